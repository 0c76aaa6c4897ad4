import { about, NO_FACTS, posting } from '../support/posting.ts';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitBranches } from '../../src/forges/git-branches.ts';
import { statementBranch } from '../../src/forges/statement-branches.ts';
import { openRepository } from '../../src/git/repository.ts';
import type { Forge, NewProposal } from '../../src/model/forge.ts';
import type { Repository } from '../../src/model/git.ts';
import { isRequestId, requestPath, signaturePath, type RequestId } from '../../src/model/names.ts';
import {
  codeOf,
  commit,
  env,
  git,
  head,
  instant,
  newRepository,
  strays,
  tempDir,
  utf8,
  withRemote,
  write,
} from './git-workbench.ts';

const now = () => instant('2026-11-22T18:00:00Z');
const id = (text: string): RequestId => {
  if (!isRequestId(text)) throw new Error(`not an id: ${text}`);
  return text;
};
const ONE = id('20261122-orders-dba-7k3fq2');
const TWO = id('20261122-orders-dba-aaaaaa');
const signed = (text: string) => ({
  text: `pam-statement: v1\n${text}\n`,
  armor: '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n',
});
const proposal = (of: RequestId): NewProposal => ({
  id: of,
  request: Buffer.from(`id: ${of}\n`),
  signature: Buffer.from('signed\n'),
  author: 'dana',
  message: `request ${of}`,
  facts: NO_FACTS,
});

interface Side {
  readonly dir: string;
  readonly repository: Repository;
  readonly forge: Forge;
}

async function side(dir: string, alone: boolean): Promise<Side> {
  const repository = await openRepository(dir, env);
  const remote = alone ? {} : { remote: { name: 'origin', remote: await repository.remote('origin') } };
  return {
    dir,
    repository,
    forge: gitBranches({ repository, main: 'main', now, chance: Math.random, ...remote }),
  };
}

/** Two people on one remote, or one clone seen twice. */
async function sides(
  kind: 'remote' | 'alone',
): Promise<{ readonly a: Side; readonly b: Side; readonly store: string }> {
  if (kind === 'alone') {
    const dir = newRepository();
    return { a: await side(dir, true), b: await side(dir, true), store: dir };
  }
  const { bare, clone } = withRemote();
  return { a: await side(clone(), false), b: await side(clone(), false), store: bare };
}

describe.each(['remote', 'alone'] as const)('plain Git forge, %s', (kind) => {
  it('a proposal travels: exactly its bytes, no local branch, no work tree change', async () => {
    const { a, b, store } = await sides(kind);
    const before = git(a.dir, 'status', '--porcelain', '--branch');
    expect(await a.forge.propose(proposal(ONE))).toEqual({ branch: `pam/${ONE}`, proposal: `pam/${ONE}` });
    expect(git(a.dir, 'status', '--porcelain', '--branch')).toBe(before);
    const local = git(a.dir, 'for-each-ref', '--format=%(refname)', 'refs/heads');
    expect(local).toBe(kind === 'remote' ? 'refs/heads/main' : `refs/heads/main\nrefs/heads/pam/${ONE}`);
    await b.forge.propose(proposal(TWO));
    git(store, 'update-ref', 'refs/heads/pam/not-an-id', 'main');
    for (const wanted of [
      { ids: [ONE], days: [] },
      { ids: [], days: ['20261122'] },
    ]) {
      const found = await b.forge.proposals(wanted);
      expect(found.map((each) => each.id)).toEqual(wanted.ids.length === 1 ? [ONE] : [ONE, TWO]);
      expect(found[0]).toMatchObject({ id: ONE, place: `pam/${ONE}`, head: head(store, `pam/${ONE}`) });
      expect([utf8(found[0]?.files?.request), utf8(found[0]?.files?.signature)]).toEqual([
        `id: ${ONE}\n`,
        'signed\n',
      ]);
    }
    expect(await b.forge.proposals({ ids: [], days: ['20261121'] })).toEqual([]);
    expect(await b.forge.proposals({ ids: [], days: [] })).toEqual([]);
  });

  it('an id is taken by a branch, and by main', async () => {
    const { a, b, store } = await sides(kind);
    await a.forge.propose(proposal(ONE));
    expect(await codeOf(b.forge.propose(proposal(ONE)))).toBe('E_REQ_ID_TAKEN');
    git(store, 'update-ref', 'refs/heads/main', `refs/heads/pam/${ONE}`);
    git(store, 'update-ref', '-d', `refs/heads/pam/${ONE}`);
    if (kind === 'remote')
      await (await a.repository.remote('origin')).fetch(['+refs/heads/main:refs/remotes/origin/main']);
    expect(await codeOf(a.forge.propose(proposal(ONE)))).toBe('E_REQ_ID_TAKEN');
  });

  it('a proposal that was merged as it is still shows its files', async () => {
    const { a, b, store } = await sides(kind);
    await a.forge.propose(proposal(ONE));
    git(store, 'update-ref', 'refs/heads/main', `refs/heads/pam/${ONE}`);
    if (kind === 'remote')
      await (await b.repository.remote('origin')).fetch(['+refs/heads/main:refs/remotes/origin/main']);
    const [found] = await b.forge.proposals({ ids: [ONE], days: [] });
    expect(utf8(found?.files?.request)).toBe(`id: ${ONE}\n`);
  });

  it('statements travel by topic; twice the same is success', async () => {
    const { a, b } = await sides(kind);
    await a.forge.publish(posting(ONE, signed('one'), 'alice'));
    await a.forge.publish(posting(ONE, signed('one'), 'alice'));
    await b.forge.publish(posting(ONE, signed('one'), 'alice'));
    await b.forge.publish(posting(ONE, signed('two'), 'bob'));
    await b.forge.publish(posting('policy-2', signed('three'), 'bob'));
    const found = await a.forge.statements([about(ONE), about('policy-2'), about(TWO)]);
    expect(
      found
        .get(ONE)
        ?.map((each) => each.signed?.text)
        .toSorted(),
    ).toEqual([signed('one').text, signed('two').text]);
    expect(found.get('policy-2')).toEqual([
      { place: statementBranch('policy-2', signed('three').text), signed: signed('three'), posted: null },
    ]);
    expect(found.get(TWO)).toEqual([]);
    expect((await a.forge.statements([])).size).toBe(0);
    const topics = ['../x', '*', 'A', '', '-x'];
    expect(await strays(topics, 'E_BUG', async (topic) => await a.forge.statements([about(topic)]))).toEqual(
      [],
    );
  });

  it('statements of another shape, size or name are skipped, one by one', async () => {
    const { a, b, store } = await sides(kind);
    const put = async (
      text: string,
      files: Readonly<Record<string, string | Uint8Array>>,
      branch = statementBranch(ONE, text),
    ): Promise<void> => {
      const scratch = newRepository();
      git(scratch, 'checkout', '-q', '--orphan', 'x');
      git(scratch, 'rm', '-rfq', '.');
      commit(scratch, files);
      git(store, 'fetch', '-q', scratch, `x:refs/heads/${branch}`);
    };
    await put('extra', { statement: 'extra', 'statement.sig': 's', more: 'x' });
    await put('lone', { statement: 'lone' });
    await put('name', { statement: 'other', 'statement.sig': 's' });
    await put('x'.repeat(8200), { statement: 'x'.repeat(8200), 'statement.sig': 's' });
    await put('bytes', { statement: Buffer.from([0xff, 0xfe]), 'statement.sig': 's' });
    await put('place', { statement: 'place', 'statement.sig': 's' }, `pam-statements/${ONE}.not-hex`);
    const scratch = newRepository();
    execFileSync('ln', ['-s', '/etc/passwd', join(scratch, 'statement')]);
    git(scratch, 'rm', '-q', 'pam.yaml');
    commit(scratch, { 'statement.sig': 's' });
    git(store, 'fetch', '-q', scratch, `main:refs/heads/${statementBranch(ONE, '/etc/passwd')}`);
    await b.forge.publish(posting(ONE, signed('good'), 'bob'));
    expect((await a.forge.statements([about(ONE)])).get(ONE)?.map((each) => each.signed?.text)).toEqual([
      signed('good').text,
    ]);
  });

  it('a squatted statement branch is an error, never a silent success', async () => {
    const { a, store } = await sides(kind);
    git(store, 'update-ref', `refs/heads/${statementBranch(ONE, signed('one').text)}`, 'main');
    expect(await codeOf(a.forge.publish(posting(ONE, signed('one'), 'alice')))).toBe('E_FORGE_REFUSED');
  });

  it('[X34] more than 2,000 statements about one thing is E_FORGE_LIMIT', async () => {
    const { a, store } = await sides(kind);
    const tip = head(store, 'main');
    const lines = Array.from(
      { length: 2001 },
      (_, n) => `create refs/heads/pam-statements/${ONE}.${n.toString(16).padStart(16, '0')} ${tip}\n`,
    );
    execFileSync('git', ['update-ref', '--stdin'], { cwd: store, env, input: lines.join('') });
    expect(await codeOf(a.forge.statements([about(ONE)]))).toBe('E_FORGE_LIMIT');
    expect((await a.repository.refs(['refs/remotes/origin/pam-statements/'])).size).toBe(0);
  });
});

type Make = (dir: string) => void;
const good: Make = (dir) => {
  write(dir, requestPath(ONE), 'id: x\n');
  write(dir, signaturePath(ONE), 'signed\n');
};

describe('what a proposal may hold', () => {
  const cases: Readonly<Record<string, readonly [string | undefined, Make]>> = {
    'the two files': [undefined, good],
    'one more file': ['E_PR_SCOPE', (dir) => [good(dir), write(dir, 'x', '')]],
    'a changed policy': ['E_PR_SCOPE', (dir) => [good(dir), write(dir, 'pam.yaml', 'evil\n')]],
    'a removed file': ['E_PR_SCOPE', (dir) => [good(dir), git(dir, 'rm', '-q', 'pam.yaml')]],
    'a changed mode': [
      'E_PR_SCOPE',
      (dir) => [good(dir), execFileSync('chmod', ['+x', join(dir, 'pam.yaml')])],
    ],
    'no signature': ['E_PR_SCOPE', (dir) => write(dir, requestPath(ONE), 'x')],
    "another id's files": [
      'E_PR_SCOPE',
      (dir) => [write(dir, requestPath(TWO), 'x'), write(dir, signaturePath(TWO), 'x')],
    ],
    '[G1] a symlink': [
      'E_GIT_MODE',
      (dir) => [good(dir), execFileSync('ln', ['-sf', '/etc/passwd', join(dir, requestPath(ONE))])],
    ],
    '[G4] an executable file': [
      'E_GIT_MODE',
      (dir) => [good(dir), execFileSync('chmod', ['+x', join(dir, requestPath(ONE))])],
    ],
    '[G4] a directory of that name': [
      'E_GIT_MODE',
      (dir) => [write(dir, `${requestPath(ONE)}/x`, ''), write(dir, signaturePath(ONE), '')],
    ],
    '[G2] a submodule': [
      'E_GIT_MODE',
      (dir) => [
        good(dir),
        git(dir, 'add', '-A'),
        git(dir, 'update-index', '--add', '--cacheinfo', `160000,${head(dir)},${signaturePath(ONE)}`),
        execFileSync('rm', [join(dir, signaturePath(ONE))]),
        git(dir, 'commit', '-qm', 'x'),
        execFileSync('mkdir', [join(dir, signaturePath(ONE))]),
      ],
    ],
    '[Q2] a long request': [
      'E_YAML_SIZE',
      (dir) => [good(dir), write(dir, requestPath(ONE), 'x'.repeat(16_385))],
    ],
    'a long signature': ['E_PR_SIZE', (dir) => [good(dir), write(dir, signaturePath(ONE), 'x'.repeat(8193))]],
    'both just short enough': [
      undefined,
      (dir) => [
        write(dir, requestPath(ONE), 'x'.repeat(16_384)),
        write(dir, signaturePath(ONE), 'x'.repeat(8192)),
      ],
    ],
  };

  it.each(Object.entries(cases))('%s', async (_name, [code, make]) => {
    const dir = newRepository();
    git(dir, 'checkout', '-q', '-b', `pam/${ONE}`);
    make(dir);
    git(dir, 'add', '-A', '.');
    git(dir, 'commit', '-q', '--allow-empty', '-m', 'x');
    git(dir, 'checkout', '-qf', 'main');
    commit(dir, { 'main-moved-on': '1' });
    const [found] = await (await side(dir, true)).forge.proposals({ ids: [ONE], days: [] });
    expect(found?.fault?.code).toBe(code);
    expect(found?.files === undefined).toBe(code !== undefined);
  });

  it('files that main had before, and unrelated history, are out of scope', async () => {
    const dir = newRepository();
    commit(dir, { [requestPath(ONE)]: 'on main', [signaturePath(ONE)]: 's' });
    git(dir, 'checkout', '-q', '-b', `pam/${ONE}`);
    commit(dir, { [requestPath(ONE)]: 'edited' });
    git(dir, 'checkout', '-q', 'main');
    const lone = tempDir();
    git(lone, 'init', '-q', '-b', 'main');
    commit(lone, { [requestPath(TWO)]: 'x', [signaturePath(TWO)]: 'x' });
    git(dir, 'fetch', '-q', lone, `main:refs/heads/pam/${TWO}`);
    const found = await (await side(dir, true)).forge.proposals({ ids: [ONE, TWO], days: [] });
    expect(found.map(({ fault }) => fault?.code)).toEqual(['E_PR_SCOPE', 'E_PR_SCOPE']);
  });

  it('one broken proposal does not hide the others; only asked-for branches are fetched', async () => {
    const { bare, clone } = withRemote();
    const a = await side(clone(), false);
    await a.forge.propose(proposal(TWO));
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], {
      cwd: bare,
      env,
      input: 'x',
      encoding: 'utf8',
    }).trim();
    execFileSync('sh', ['-c', `mkdir -p refs/heads/pam && echo ${blob} > refs/heads/pam/${ONE}`], {
      cwd: bare,
      env,
    });
    git(bare, 'update-ref', 'refs/heads/pam/20261101-other-day-aaaaaa', 'main');
    const b = await side(clone0(bare), false);
    const found = await b.forge.proposals({ ids: [], days: ['20261122'] });
    expect(found.map((each) => [each.id, each.files !== undefined])).toEqual([
      [ONE, false],
      [TWO, true],
    ]);
    expect([...(await b.repository.refs(['refs/remotes/origin/pam/'])).keys()]).not.toContain(
      'refs/remotes/origin/pam/20261101-other-day-aaaaaa',
    );
  });
});

/** A clone that starts with main alone. */
function clone0(bare: string): string {
  const dir = join(tempDir(), 'single');
  git(bare, 'clone', '-q', '--single-branch', bare, dir);
  return dir;
}
