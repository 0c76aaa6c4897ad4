import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRepository } from '../../src/git/find-repository.ts';
import { openRemote } from '../../src/git/network.ts';
import { openObjectStream } from '../../src/git/object-stream.ts';
import { openRefs } from '../../src/git/refs.ts';
import { isAllowedUrl } from '../../src/git/remote-url.ts';
import { openRepository } from '../../src/git/repository.ts';
import { seal } from '../../src/git/sealed.ts';
import { PamError } from '../../src/model/error.ts';
import type { Remote, Repository } from '../../src/model/git.ts';
import type { Oid } from '../../src/model/names.ts';
import {
  codeOf,
  commit,
  env,
  git,
  head,
  home,
  instant,
  newRepository,
  strays,
  tempDir,
  withRemote,
  write,
} from './git-workbench.ts';

const MAIN = 'refs/heads/main';
const at = instant('2026-11-22T18:00:00Z');

async function connect(dir: string): Promise<{ readonly repository: Repository; readonly remote: Remote }> {
  const repository = await openRepository(dir, env);
  return { repository, remote: await repository.remote('origin') };
}

async function onTop(repository: Repository, parent: Oid, message: string): Promise<Oid> {
  const files = new Map([['entry.json', Buffer.from(message)]]);
  return await repository.writeCommit({
    parents: [parent],
    base: parent,
    files,
    message,
    author: 'pam-apply',
    at,
  });
}

function hook(bare: string, name: string, script: string): void {
  write(bare, `hooks/${name}`, `#!/bin/sh\n${script}\n`);
  execFileSync('chmod', ['+x', join(bare, 'hooks', name)]);
}

describe('which remotes are spoken to', () => {
  it('[G11] https, ssh and files only; no helpers, no options', () => {
    const good = [
      'https://github.com/acme/access.git',
      'https://x:token@host:8443/a',
      'ssh://git@host:22/a.git',
      'git@github.com:acme/access.git',
      'host:path',
      'git@host:~/a',
      'file:///srv/a.git',
      '/srv/a b.git',
      'ssh://git@[::1]:22/a',
    ];
    expect(good.filter((url) => !isAllowedUrl(url))).toEqual([]);
    const bad = [
      'ext::sh -c touch% x',
      'EXT::sh',
      'fd::17',
      '--upload-pack=x',
      '-x:y',
      'http://host/a',
      'git://host/a',
      'ftp://host/a',
      'ssh://-oProxyCommand=x/a',
      'ssh://u@-oProxyCommand=x/a',
      '-oProxyCommand=x:a',
      'u@-oX:a',
      'host:-x',
      'host::x',
      'file://host/a',
      'file:///-x',
      '../relative',
      'relative',
      '',
      'https://host\n/a',
      'transport::https://host/a',
      'https:///a',
    ];
    expect(bad.filter(isAllowedUrl)).toEqual([]);
  });

  it('E_GIT_REMOTE for missing, doubled and foreign remotes; nothing is run', async () => {
    const dir = newRepository();
    const canary = join(tempDir(), 'canary');
    git(dir, 'remote', 'add', 'bad', `ext::sh -c touch% ${canary}`);
    git(dir, 'config', 'protocol.ext.allow', 'always');
    git(dir, 'config', 'PROTOCOL.ALLOW', 'always');
    git(dir, 'remote', 'add', 'two', 'https://a.example/x');
    git(dir, 'config', '--add', 'remote.two.url', 'https://b.example/x');
    write(dir, 'elsewhere', '[remote "inc"]\n\turl = https://a.example/x\n');
    git(dir, 'config', 'include.path', '../elsewhere');
    const repository = await openRepository(dir, env);
    const names = ['bad', 'two', 'none', 'inc', '--x', 'a b', 'a.url', ''];
    expect(await strays(names, 'E_GIT_REMOTE', async (name) => await repository.remote(name))).toEqual([]);
    expect(existsSync(canary)).toBe(false);
  });

  it('E_GIT_NETWORK, with a hint and without credentials, when nothing answers', async () => {
    const dir = newRepository();
    git(dir, 'remote', 'add', 'origin', 'https://user:s3cret@127.0.0.1:9/x');
    const { remote } = await connect(dir);
    const error: unknown = await remote.list([MAIN]).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'E_GIT_NETWORK' });
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
  });
});

describe('list and fetch', () => {
  it('lists what matches, and only names that pam uses', async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const tip = head(dir);
    for (const ref of [
      'pam/20261122-a',
      'pam/20261122-b',
      'pam/20261123-c',
      'pam-statements/x/1',
      'refs/heads/main',
    ]) {
      git(bare, 'update-ref', `refs/heads/${ref}`, tip);
    }
    writeFileSync(join(bare, 'refs/heads/--upload-pack=x'), `${tip}\n`);
    const { remote } = await connect(dir);
    expect(remote.url).toBe(bare);
    expect([...(await remote.list(['refs/heads/pam/20261122-*', MAIN])).keys()]).toEqual([
      MAIN,
      'refs/heads/pam/20261122-a',
      'refs/heads/pam/20261122-b',
    ]);
    expect((await remote.list(['refs/heads/nothing'])).size).toBe(0);
    expect((await remote.list([])).size).toBe(0);
    expect(await codeOf(remote.list(['--upload-pack=x']))).toBe('E_GIT_REF');
  });

  it('fetches only what is asked for; tracking refs follow, backwards and away too', async () => {
    const { bare, clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    const first = head(dir);
    const next = commit(other, { n: '1' });
    git(other, 'push', '-q', 'origin', 'main', 'main:refs/heads/pam/20261122-a', 'main:refs/heads/unwanted');
    git(other, 'tag', 'v1');
    git(other, 'push', '-q', 'origin', 'v1');
    const { repository, remote } = await connect(dir);
    const specs = [
      '+refs/heads/main:refs/remotes/origin/main',
      '+refs/heads/pam/20261122-*:refs/remotes/origin/pam/20261122-*',
      '+refs/heads/gone:refs/remotes/origin/gone',
    ];
    await remote.fetch(specs);
    const tracked = async (): Promise<object> =>
      Object.fromEntries(
        [...(await repository.refs(['refs/remotes/origin/', 'refs/tags/']))].filter(
          ([ref]) => !ref.endsWith('/HEAD'),
        ),
      );
    expect(await tracked()).toEqual({
      'refs/remotes/origin/main': next,
      'refs/remotes/origin/pam/20261122-a': next,
    });
    expect(head(dir)).toBe(first);
    expect(existsSync(join(dir, '.git/FETCH_HEAD'))).toBe(false);
    git(bare, 'update-ref', MAIN, first);
    git(bare, 'update-ref', '-d', 'refs/heads/pam/20261122-a');
    await remote.fetch(specs);
    expect(await tracked()).toEqual({ 'refs/remotes/origin/main': first });
    const bad = [
      'refs/heads/main:refs/heads/main',
      '+refs/heads/*:refs/remotes/origin/x',
      'main',
      '+refs/pull/1/head:refs/remotes/origin/x',
      '+refs/pull/1/head:refs/remotes/origin.pull/2',
      '+refs/pull/1/head:refs/heads/x',
      '+refs/pull/1/merge:refs/remotes/origin.pull/1',
      '+refs/pull/*/head:refs/remotes/origin.pull/*',
      '+refs/pull/01/head:refs/remotes/origin.pull/01',
    ];
    expect(await strays(bad, 'E_GIT_REF', async (spec) => await remote.fetch([spec]))).toEqual([]);
  });

  it('whoever knows that something is new gets it at once, and what is gone goes all the same', async () => {
    const { bare, clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    git(other, 'push', '-q', 'origin', 'main:refs/heads/pam-ledger');
    const { repository, remote } = await connect(dir);
    const specs = ['main', 'pam-ledger'].map((one) => `+refs/heads/${one}:refs/remotes/origin/${one}`);
    const tracked = async (): Promise<readonly unknown[]> =>
      await Promise.all(
        ['main', 'pam-ledger'].map(async (one) => await repository.resolve(`refs/remotes/origin/${one}`)),
      );
    const first = head(dir);
    await remote.fetch(specs);
    expect(await tracked()).toEqual([first, first]);
    const next = commit(other, { n: '1' });
    git(other, 'push', '-q', 'origin', 'main', 'main:refs/heads/pam-ledger');
    await remote.fetch(specs);
    expect(await tracked()).toEqual([next, next]);
    // Backwards, and with one of them gone.
    git(bare, 'update-ref', MAIN, first);
    git(bare, 'update-ref', '-d', 'refs/heads/pam-ledger');
    await remote.fetch(specs);
    expect(await tracked()).toEqual([first, undefined]);
    rmSync(bare, { recursive: true });
    expect(await codeOf(remote.fetch(specs))).toBe('E_GIT_NETWORK');
  });

  it('what is brought ahead is no error where it cannot be followed, and answers nothing then', async () => {
    const { clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    git(other, 'push', '-q', 'origin', 'main:refs/heads/pam/x');
    const { repository, remote } = await connect(dir);
    const specs = ['+refs/heads/main:refs/remotes/origin/main'];
    const ahead = ['+refs/heads/pam/*:refs/remotes/origin/pam/*'];
    mkdirSync(join(dir, '.git/refs/remotes/origin/pam'), { recursive: true });
    const lock = join(dir, '.git/refs/remotes/origin/pam/x.lock');
    writeFileSync(lock, '');
    expect(await remote.fetch(specs, ahead)).toEqual([]);
    expect(await repository.resolve('refs/remotes/origin/pam/x')).toBeUndefined();
    rmSync(lock);
    expect(await remote.fetch(specs, ahead)).toEqual([]);
    expect(await repository.resolve('refs/remotes/origin/pam/x')).toBe(head(dir));
  }, 60_000);

  it('heads of pull requests are followed one by one, beside the branches; a branch in their way is not in their way', async () => {
    const { bare, clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    const next = commit(other, { n: '1' });
    git(
      other,
      'push',
      '-q',
      'origin',
      'HEAD:refs/pull/12/head',
      'HEAD:refs/pull/13/head',
      'main:refs/heads/pull',
    );
    const { repository, remote } = await connect(dir);
    const specs = ['+refs/pull/12/head:refs/remotes/origin.pull/12', `+${MAIN}:refs/remotes/origin/main`];
    await remote.fetch([...specs, '+refs/heads/pull:refs/remotes/origin/pull']);
    const tracked = async (): Promise<object> =>
      Object.fromEntries(await repository.refs(['refs/remotes/origin.pull/']));
    expect(await tracked()).toEqual({ 'refs/remotes/origin.pull/12': next });
    git(bare, 'update-ref', 'refs/pull/12/head', head(bare, 'main'));
    await remote.fetch(specs);
    expect(await tracked()).toEqual({ 'refs/remotes/origin.pull/12': head(bare, 'main') });
    git(bare, 'update-ref', '-d', 'refs/pull/12/head');
    await remote.fetch(specs);
    expect(await tracked()).toEqual({});
  });

  it('a branch may become a folder of branches', async () => {
    const { bare, clone } = withRemote();
    const { repository, remote } = await connect(clone());
    const tip = head(bare, 'main');
    git(bare, 'update-ref', 'refs/heads/pam/a', tip);
    await remote.fetch(['+refs/heads/pam/*:refs/remotes/origin/pam/*']);
    git(bare, 'update-ref', '-d', 'refs/heads/pam/a');
    git(bare, 'update-ref', 'refs/heads/pam/a/b', tip);
    await remote.fetch(['+refs/heads/pam/*:refs/remotes/origin/pam/*']);
    expect([...(await repository.refs(['refs/remotes/origin/pam/'])).keys()]).toEqual([
      'refs/remotes/origin/pam/a/b',
    ]);
  });

  it('fetches into a shallow clone without pretending to have more', async () => {
    const { bare, clone } = withRemote();
    const other = clone();
    for (const n of ['1', '2', '3']) commit(other, { n });
    git(other, 'push', '-q', 'origin', 'main');
    const dir = join(tempDir(), 'shallow');
    git(home, 'clone', '-q', '--depth', '1', `file://${bare}`, dir);
    const old = head(dir);
    git(other, 'checkout', '-q', '-b', 'side', 'HEAD~2');
    const side = commit(other, { side: '1' });
    git(other, 'push', '-q', 'origin', 'side');
    git(other, 'checkout', '-q', 'main');
    const next = commit(other, { n: '4' });
    git(other, 'push', '-q', 'origin', 'main');
    const { repository, remote } = await connect(dir);
    await remote.fetch([
      '+refs/heads/main:refs/remotes/origin/main',
      '+refs/heads/side:refs/remotes/origin/side',
    ]);
    expect((await repository.history(next, [old])).map(({ oid }) => oid)).toEqual([next]);
    expect(await repository.resolve('refs/remotes/origin/side')).toBe(side);
    expect(await codeOf(repository.history(next))).toBe('E_GIT_SHALLOW');
  });

  it('[G6] deepens a cut clone step by step, and then there is nothing left to bring', async () => {
    const { bare, clone } = withRemote();
    const other = clone();
    for (const n of ['1', '2', '3', '4', '5']) commit(other, { n });
    git(other, 'push', '-q', 'origin', 'main');
    const dir = join(tempDir(), 'deepened');
    git(home, 'clone', '-q', '--depth', '1', `file://${bare}`, dir);
    const { repository, remote } = await connect(dir);
    const tip = head(dir);
    const count = async (): Promise<number | string> => {
      try {
        return (await repository.history(tip)).length;
      } catch (error) {
        return error instanceof PamError ? error.code : 'untyped';
      }
    };
    expect(await count()).toBe('E_GIT_SHALLOW');
    expect(await remote.deepen(['main'], 2)).toBe(true);
    expect(await count()).toBe('E_GIT_SHALLOW');
    expect(git(dir, 'rev-list', '--count', 'HEAD')).toBe('3');
    expect(await remote.deepen(['main'], null)).toBe(true);
    expect(await count()).toBe(Number(git(other, 'rev-list', '--count', 'main')));
    expect(existsSync(join(dir, '.git', 'shallow'))).toBe(false);
    expect(git(dir, 'rev-list', '--count', 'HEAD')).toBe(git(other, 'rev-list', '--count', 'main'));
    expect(await remote.deepen(['main'], null)).toBe(false);
  });

  it('[G7] a partial clone is told so', async () => {
    const { bare, clone } = withRemote();
    git(bare, 'config', 'uploadpack.allowFilter', 'true');
    const dir = join(tempDir(), 'partial');
    git(home, 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${bare}`, dir);
    const other = clone();
    commit(other, { n: '1' });
    git(other, 'push', '-q', 'origin', 'main');
    const { repository, remote } = await connect(dir);
    // What comes is whole; what the clone never had shows when it is read.
    expect(await remote.fetch(['+refs/heads/main:refs/remotes/origin/main'])).toEqual([]);
    const treeish = head(dir, 'refs/remotes/origin/main');
    const [read] = await repository.read([{ treeish, path: 'pam.yaml' }], 100);
    expect(read).toMatchObject({ unreadable: 'E_GIT_PARTIAL' });
  });

  it('[G10] nothing that the clone names is run by fetch and push', async () => {
    const { clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    commit(other, { n: '1' });
    git(other, 'push', '-q', 'origin', 'main');
    const canaries = tempDir();
    const evil = (name: string): string => `touch ${canaries}/${name};`;
    for (const [key, value] of Object.entries({
      'remote.origin.uploadpack': `${evil('upload')} git-upload-pack`,
      'remote.origin.receivepack': `${evil('receive')} git-receive-pack`,
      'remote.origin.pushurl': `ext::sh -c touch% ${canaries}/pushurl`,
      'remote.origin.vcs': 'ext',
      'remote.origin.proxy': 'http://127.0.0.1:9',
      [`url.ext::sh -c touch% ${canaries}/insteadof %.insteadOf`]: '/',
      'core.sshCommand': evil('ssh'),
      'core.alternateRefsCommand': evil('alternates'),
      'core.fsmonitor': evil('fsmonitor'),
      'credential.helper': `!${evil('credential')}`,
      'protocol.ext.allow': 'always',
      'core.hooksPath': join(dir, '.git/hooks'),
      'push.gpgSign': 'true',
      'gpg.program': evil('gpg'),
    }))
      git(dir, 'config', key, value);
    for (const name of ['pre-push', 'reference-transaction', 'post-merge', 'push-to-checkout']) {
      write(dir, `.git/hooks/${name}`, `#!/bin/sh\n${evil(name)}\n`);
      execFileSync('chmod', ['+x', join(dir, '.git/hooks', name)]);
    }
    const { repository, remote } = await connect(dir);
    await remote.fetch(['+refs/heads/main:refs/remotes/origin/main']);
    const oid = await onTop(repository, head(other), 'x');
    expect(await remote.push([{ oid, ref: MAIN }])).toBe('moved');
    expect(readdirSync(canaries)).toEqual([]);
  });

  it("keeps the person's global configuration, but not their hooks", async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const own = tempDir();
    const canary = join(own, 'canary');
    for (const name of ['pre-push', 'reference-transaction']) {
      write(own, `hooks/${name}`, `#!/bin/sh\ntouch ${canary}\nexit 1\n`);
      execFileSync('chmod', ['+x', join(own, 'hooks', name)]);
    }
    writeFileSync(
      join(own, '.gitconfig'),
      `[url "${bare}"]\n\tinsteadOf = https://forge.example/access\n[core]\n\thooksPath = ${own}/hooks\n[push]\n\tfollowTags = true\n\tgpgSign = true\n`,
    );
    git(dir, 'remote', 'set-url', 'origin', 'https://forge.example/access');
    git(dir, 'tag', '-m', 'x', 'v1');
    const repository = await openRepository(dir, { ...env, HOME: own });
    const remote = await repository.remote('origin');
    expect((await remote.list([MAIN])).get(MAIN)).toBe(head(dir));
    git(bare, 'update-ref', 'refs/heads/pam/a', 'main');
    await remote.fetch(['+refs/heads/pam/*:refs/remotes/origin/pam/*']);
    expect(await repository.resolve('refs/remotes/origin/pam/a')).toBe(head(dir));
    expect(existsSync(canary)).toBe(false);
    // A file remote's own git is the server, and its hooks are the server's.
    rmSync(join(own, 'hooks/reference-transaction'));
    expect(await remote.push([{ oid: await onTop(repository, head(dir), 'x'), ref: MAIN }])).toBe('moved');
    expect(existsSync(canary)).toBe(false);
    expect(git(bare, 'tag', '-l')).toBe('');
  });

  it("uses the person's own ssh command", async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const log = join(tempDir(), 'log');
    const ssh = join(tempDir(), 'ssh');
    writeFileSync(ssh, `#!/bin/sh\necho "$@" >>${log}\nfor last; do :; done\nexec sh -c "$last"\n`, {
      mode: 0o755,
    });
    git(dir, 'remote', 'set-url', 'origin', `git@forge.example:${bare}`);
    const repository = await openRepository(dir, {
      ...env,
      GIT_SSH_COMMAND: ssh,
      GIT_ASKPASS: '/bin/false',
      SSH_ASKPASS: '/bin/false',
      GIT_EDITOR: 'x',
      GIT_DIR: '/nowhere',
      GIT_CONFIG_COUNT: '1',
      EDITOR: 'vi',
      PAGER: 'less',
    });
    expect((await (await repository.remote('origin')).list([MAIN])).get(MAIN)).toBe(head(dir));
    expect(readFileSync(log, 'utf8')).toContain('git@forge.example');
  });

  it('gives up on a remote that never answers', async () => {
    const dir = newRepository();
    git(dir, 'remote', 'add', 'origin', 'git@forge.example:x');
    const slow = { ...env, GIT_SSH_COMMAND: 'sleep 20; :' };
    const place = await findRepository(dir, slow);
    const sealed = seal(place, slow);
    const remote = await openRemote({
      place,
      sealed,
      stream: openObjectStream(sealed),
      refs: openRefs(sealed, place),
      env: slow,
      name: 'origin',
      timeoutMs: 700,
    });
    const started = process.hrtime.bigint();
    expect(await codeOf(remote.list([MAIN]))).toBe('E_GIT_NETWORK');
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(5000);
  });
});

describe('push', () => {
  it('moves forward, is content with "already so", and refuses anything else', async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const first = head(dir);
    const { repository, remote } = await connect(dir);
    const [one, two] = [await onTop(repository, first, 'one'), await onTop(repository, first, 'two')];
    expect(await remote.push([{ oid: one, ref: MAIN }])).toBe('moved');
    expect(await remote.push([{ oid: one, ref: MAIN }])).toBe('moved');
    expect(await repository.resolve('refs/remotes/origin/main')).toBe(one);
    expect(await remote.push([{ oid: two, ref: MAIN }])).toBe('rejected');
    expect(await remote.push([{ oid: first, ref: MAIN }])).toBe('rejected');
    expect(await repository.resolve('refs/remotes/origin/main')).toBe(one);
    expect(head(bare, 'main')).toBe(one);
    expect(head(dir, MAIN)).toBe(first);
    expect(await codeOf(remote.push([{ oid: one, ref: 'refs/tags/x' }]))).toBe('E_BUG');
    expect(await codeOf(remote.push([{ oid: one, ref: '+refs/heads/main' }]))).toBe('E_GIT_REF');
  });

  it('several refs: all or none', async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const { repository, remote } = await connect(dir);
    const ahead = commit(clone(), {});
    const [one, two] = [await onTop(repository, head(dir), 'one'), await onTop(repository, head(dir), 'two')];
    expect(await remote.push([{ oid: one, ref: MAIN }])).toBe('moved');
    expect(
      await remote.push([
        { oid: two, ref: 'refs/heads/pam-ledger' },
        { oid: two, ref: MAIN },
      ]),
    ).toBe('rejected');
    expect(git(bare, 'for-each-ref', '--format=%(refname)')).toBe(MAIN);
    expect(ahead).toHaveLength(40);
    const three = await onTop(repository, one, 'three');
    expect(
      await remote.push([
        { oid: three, ref: 'refs/heads/pam-ledger' },
        { oid: three, ref: MAIN },
      ]),
    ).toBe('moved');
  });

  it('[K1][K11] of many at once one wins; the others are told and win later', async () => {
    const { bare, clone } = withRemote();
    hook(bare, 'pre-receive', 'sleep 0.3');
    const sides = await Promise.all([clone(), clone(), clone()].map(connect));
    const start = head(bare, 'main');
    const tries = sides.map(
      async ({ repository, remote }, n) =>
        await remote.push([{ oid: await onTop(repository, start, `m${n}`), ref: MAIN }]),
    );
    const results = await Promise.all(tries);
    expect(results.toSorted()).toEqual(['moved', 'rejected', 'rejected']);
    const loser = sides[results.indexOf('rejected')];
    if (loser === undefined) throw new Error('nobody lost');
    await loser.remote.fetch(['+refs/heads/main:refs/remotes/origin/main']);
    const tip = await loser.repository.resolve('refs/remotes/origin/main');
    if (tip === undefined) throw new Error('no tip');
    expect(await loser.remote.push([{ oid: await onTop(loser.repository, tip, 'again'), ref: MAIN }])).toBe(
      'moved',
    );
    expect(git(bare, 'rev-list', '--count', 'main')).toBe('3');
  });

  it('[K5] a remote that declines is a rejection', async () => {
    const { bare, clone } = withRemote();
    hook(bare, 'pre-receive', 'exit 1');
    const dir = clone();
    const { repository, remote } = await connect(dir);
    expect(await remote.push([{ oid: await onTop(repository, head(dir), 'x'), ref: MAIN }])).toBe('rejected');
  });

  it('[K6] accepted, but the answer was lost: an error, and the same push again is success', async () => {
    const { bare, clone } = withRemote();
    const dir = clone();
    const cut = join(tempDir(), 'cut');
    // Passes the push on, then drops what the server says after it has moved the ref.
    writeFileSync(
      cut,
      '#!/bin/sh\nfor last; do :; done\ncase "$last" in *receive-pack*) sh -c "$last" | head -c 400; exit 1;; *) exec sh -c "$last";; esac\n',
      { mode: 0o755 },
    );
    git(dir, 'remote', 'set-url', 'origin', `git@forge.example:${bare}`);
    hook(bare, 'post-receive', 'touch done');
    const repository = await openRepository(dir, { ...env, GIT_SSH_COMMAND: cut });
    const oid = await onTop(repository, head(dir), 'x');
    const remote = await repository.remote('origin');
    const banner = Buffer.byteLength(
      execFileSync('git', ['receive-pack', '--http-backend-info-refs', bare], { env }),
    );
    writeFileSync(cut, readFileSync(cut, 'utf8').replace('-c 400', `-c ${banner}`));
    expect(await codeOf(remote.push([{ oid, ref: MAIN }]))).toBe('E_GIT_NETWORK');
    expect((await remote.list([MAIN])).get(MAIN)).toBe(oid);
    git(dir, 'remote', 'set-url', 'origin', bare);
    expect(await (await repository.remote('origin')).push([{ oid, ref: MAIN }])).toBe('moved');
  });

  it('[K13] a fetch in between changes nothing; no way to overwrite exists in the code', async () => {
    const { bare, clone } = withRemote();
    const [dir, other] = [clone(), clone()];
    const { repository, remote } = await connect(dir);
    const mine = await onTop(repository, head(dir), 'mine');
    const theirs = commit(other, { n: '1' });
    git(other, 'push', '-q', 'origin', 'main');
    git(dir, 'fetch', '-q');
    expect(await remote.push([{ oid: mine, ref: MAIN }])).toBe('rejected');
    expect(head(bare, 'main')).toBe(theirs);
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    expect(sources.length).toBeGreaterThan(20);
    const overwrites = /--force|force-with-lease|--mirror|--prune|'-f', 'push'/u;
    expect(sources.filter((path) => overwrites.test(readFileSync(join('src', path), 'utf8')))).toEqual([]);
  });
});
