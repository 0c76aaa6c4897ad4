/** The same things are done to real git and to git in memory: every answer, object ids included, is the same. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRepository } from '../../src/git/repository.ts';
import { PamError } from '../../src/model/error.ts';
import type { NewCommit, Repository } from '../../src/model/git.ts';
import { instantOf } from '../../src/model/instant.ts';
import type { Oid } from '../../src/model/names.ts';
import { env, git, tempDir, utf8 } from '../adapters/git-workbench.ts';
import { MemoryObjects, memoryRepository } from './memory-repository.ts';

const LEDGER = 'refs/heads/pam-ledger';
const bytes = (text: string): Uint8Array => Buffer.from(text);

async function realGit(): Promise<readonly Repository[]> {
  const dir = tempDir();
  git(dir, 'init', '-q', '--bare', '-b', 'main', 'remote.git');
  const clones = ['one', 'two'].map((name) => {
    const clone = join(dir, name);
    mkdirSync(clone);
    git(clone, 'init', '-q', '-b', 'main');
    git(clone, 'remote', 'add', 'origin', join(dir, 'remote.git'));
    return clone;
  });
  return await Promise.all(clones.map(async (clone) => await openRepository(clone, env)));
}

function inMemory(): readonly Repository[] {
  const objects = new MemoryObjects();
  const remote = { name: 'origin', url: 'memory', table: new Map<string, Oid>() };
  return [new Map(), new Map()].map((table) => memoryRepository(objects, table, remote));
}

/** What happened, answer by answer; only where a repository stands is left out. */
async function story([one, two]: readonly Repository[]): Promise<readonly unknown[]> {
  if (one === undefined || two === undefined) throw new TypeError('two clones');
  const told: unknown[] = [];
  const tell = async (what: Promise<unknown>): Promise<void> => {
    try {
      const answer = await what;
      told.push(answer instanceof Map ? [...(answer as ReadonlyMap<unknown, unknown>)] : answer);
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      told.push(error.code);
    }
  };
  const write = async (
    repository: Repository,
    parents: readonly Oid[],
    base: Oid | null,
    files: Readonly<Record<string, string | null>>,
    message: string,
  ): Promise<Oid> => {
    const commit: NewCommit = {
      parents,
      base,
      files: new Map(Object.entries(files).map(([path, text]) => [path, text === null ? null : bytes(text)])),
      message,
      author: 'pam-apply',
      at: instantOf(1_795_370_400_000 + told.length * 1000),
    };
    const oid = await repository.writeCommit(commit);
    told.push(oid);
    return oid;
  };
  const [here, there] = [await one.remote('origin'), await two.remote('origin')];
  const everything = ['+refs/heads/*:refs/remotes/origin/*'];

  const a = await write(one, [], null, { 'entry.json': '0', 'open/20261122/x.json': 'x' }, 'genesis');
  const b = await write(
    one,
    [a],
    null,
    { 'entry.json': '1', 'open/beats.json': '{}' },
    'entry 1\n\nmore\n\n',
  );
  const c = await write(one, [b], b, { 'open/': null, 'open.json': 'a file now' }, 'entry 2');
  const fork = await write(one, [b], b, { 'entry.json': 'other' }, 'another 2');
  const merge = await write(one, [c, fork], c, { 'a-b': '-', 'a/b': '/', 'a.b': '.' }, 'merged');
  for (const oid of [a, b, c, fork, merge]) {
    await tell(one.list(oid, ''));
    await tell(one.list(oid, 'open'));
    await tell(one.list(oid, 'entry.json'));
    await tell(one.history(oid));
    for (const other of [a, c, fork]) {
      await tell(one.isAncestor(oid, other));
      await tell(one.mergeBase(oid, other));
    }
  }
  await tell(one.history(c, [a]));
  await tell(one.history(merge, [c, fork]));
  await tell(one.history(a, [c]));
  await tell(one.messages([c, a, b]));
  const wanted = [b, c].flatMap((treeish) =>
    ['entry.json', 'open', 'open/beats.json', 'none'].map((path) => ({ treeish, path })),
  );
  await tell(one.read(wanted, 100).then((blobs) => blobs.map(utf8)));
  await tell(one.read(wanted, 1).then((blobs) => blobs.map(utf8)));
  await tell(one.names(merge, 'a'));

  await tell(one.moveRef(LEDGER, a, b));
  await tell(one.moveRef(LEDGER, a, null));
  await tell(one.moveRef(LEDGER, b, null));
  await tell(one.moveRef(LEDGER, b, a));
  await tell(
    one.moveRefs([
      { ref: 'refs/heads/x', to: a, old: null },
      { ref: LEDGER, to: c, old: a },
    ]),
  );
  await tell(one.resolve('refs/heads/x'));
  await tell(one.refs(['refs/heads/pam']));

  await tell(here.list(['refs/heads/*']));
  await tell(here.push([{ oid: b, ref: LEDGER }]));
  await tell(one.refs(['refs/remotes/']));
  await tell(here.push([{ oid: b, ref: LEDGER }]));
  await tell(here.push([{ oid: a, ref: LEDGER }]));
  await tell(two.resolve('refs/remotes/origin/pam-ledger'));
  await tell(there.fetch([`+${LEDGER}:refs/remotes/origin/pam-ledger`]));
  await tell(two.resolve('refs/remotes/origin/pam-ledger'));
  await tell(two.history(b));
  await tell(here.push([{ oid: c, ref: LEDGER }]));
  const late = await write(two, [b], b, { 'entry.json': 'late' }, 'too late');
  await tell(there.push([{ oid: late, ref: LEDGER }]));
  await tell(
    there.push([
      { oid: late, ref: 'refs/heads/pam-statements/x.0123456789abcdef' },
      { oid: late, ref: LEDGER },
    ]),
  );
  await tell(there.list(['refs/heads/pam-statements/x.*', LEDGER, 'refs/heads/pam-*r']));
  await tell(there.push([{ oid: late, ref: 'refs/heads/pam-statements/x.0123456789abcdef' }]));
  await tell(here.list(['refs/heads/pam-statements/x.*', 'refs/heads/pam-statements/y.*']));
  await tell(here.fetch(everything));
  await tell(one.refs(['refs/remotes/origin/']));
  await tell(there.fetch(everything));
  await tell(two.refs(['refs/remotes/origin/']));
  await tell(two.remote('elsewhere'));
  return told;
}

it('git in memory is git', async () => {
  const [memory, real] = [await story(inMemory()), await story(await realGit())];
  expect(memory).toEqual(real);
  expect(memory.length).toBeGreaterThanOrEqual(90);
});

it('a branch that is rewound or deleted at the remote takes the tracking ref along', async () => {
  const objects = new MemoryObjects();
  const remote = { name: 'origin', url: 'memory', table: new Map<string, Oid>() };
  const dir = tempDir();
  git(dir, 'init', '-q', '--bare', '-b', 'main', 'remote.git');
  git(dir, 'init', '-q', '-b', 'main', 'one');
  git(join(dir, 'one'), 'remote', 'add', 'origin', join(dir, 'remote.git'));
  const real = await openRepository(join(dir, 'one'), env);
  const memory = memoryRepository(objects, new Map(), remote);
  const answers = await Promise.all(
    [real, memory].map(async (repository) => {
      const far = await repository.remote('origin');
      const at = instantOf(0);
      const commit = { base: null, message: 'm', author: 'a', at };
      const first = await repository.writeCommit({
        ...commit,
        parents: [],
        files: new Map([['f', bytes('1')]]),
      });
      const second = await repository.writeCommit({
        ...commit,
        parents: [first],
        files: new Map([['f', bytes('2')]]),
      });
      await far.push([{ oid: second, ref: LEDGER }]);
      const seen: unknown[] = [];
      for (const to of [first, null]) {
        if (repository === memory) {
          if (to === null) remote.table.delete(LEDGER);
          else remote.table.set(LEDGER, to);
        } else git(join(dir, 'remote.git'), 'update-ref', ...(to === null ? ['-d', LEDGER] : [LEDGER, to]));
        await far.fetch([`+${LEDGER}:refs/remotes/origin/pam-ledger`]);
        seen.push((await repository.resolve('refs/remotes/origin/pam-ledger')) ?? null);
      }
      return [first, second, ...seen];
    }),
  );
  expect(answers[1]).toEqual(answers[0]);
});
