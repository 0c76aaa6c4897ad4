/**
 * What befalls one executor while others go on: it is paused and wakes too late, it holds an older list, policy
 * changes under its hands, the evidence that it read is deleted, its locks, its disk and its memory fail. Real git,
 * real plugin, real keys; the target's own list of calls says what happened.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { findRepository } from '../../src/git/find-repository.ts';
import { openRemote } from '../../src/git/network.ts';
import { openObjectStream } from '../../src/git/object-stream.ts';
import { openRefs } from '../../src/git/refs.ts';
import { seal } from '../../src/git/sealed.ts';
import { memoryOf } from '../../src/memory/kept-heads.ts';
import { Interrupted } from '../../src/model/error.ts';
import type { Remote } from '../../src/model/git.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { BEGIN, type DeskChange, explained, makeWorld, type World } from '../crash/access-repository.ts';
import { bundleExecutor, type RunExecutor } from '../crash/run-executor.ts';
import { tempDir } from './git-workbench.ts';

const minutes = (count: number) => plus(BEGIN, count * 60);
const SHELF = 'north dana read';

let lone: World;
let shared: World;
let runExecutor: RunExecutor;
beforeAll(async () => {
  runExecutor = await bundleExecutor(tempDir());
  lone = await makeWorld(join(tempDir(), 'world'));
  shared = await makeWorld(join(tempDir(), 'world'), { remote: true });
}, 120_000);

const copyOf = (world: World): World => world.copy(join(tempDir(), 'world'));

/** One function of one provider's sessions does something first, or afterwards. */
const wrapped =
  (kind: string, name: 'grant' | 'revoke', around: (act: () => Promise<void>) => Promise<void>): DeskChange =>
  (desk) => {
    const provider = desk.providers.get(kind);
    if (provider === undefined) throw new Error(`no provider ${kind}`);
    const open: typeof provider.open = async (place) => {
      const session = await provider.open(place);
      return {
        ...session,
        grant: async (order) => {
          let receipt = {};
          const act = async (): Promise<void> => {
            receipt = await session.grant(order);
          };
          await (name === 'grant' ? around(act) : act());
          return receipt;
        },
        revoke: async (order, scene) => {
          const act = async (): Promise<void> => {
            await session.revoke(order, scene);
          };
          await (name === 'revoke' ? around(act) : act());
        },
      };
    };
    return { ...desk, providers: new Map([...desk.providers, [kind, { ...provider, open }]]) };
  };

async function eventsOf(world: World, id: RequestId): Promise<readonly string[]> {
  return (await world.events()).filter((one) => one.id === id).map(({ type }) => type);
}

async function auditIsClean(world: World): Promise<void> {
  const { ok, findings } = await world.audit();
  expect({ ok, findings }).toEqual({ ok: true, findings: [] });
}

describe('an executor that is paused in front of the target and wakes after the revocation', {
  timeout: 180_000,
}, () => {
  const sleepsOverItsEnd = async (world: World): Promise<void> => {
    world.now = minutes(31);
    const swept = await world.sweep({ executor: 'pam-sweep' });
    expect(swept.steps).toMatchObject([{ action: 'revoke', result: 'done' }]);
    expect(world.held()).toEqual([]);
  };

  it('[K2] takes back what it gave, in the same run', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader', duration: '30m' });
    const change = wrapped('command', 'grant', async (act) => {
      await sleepsOverItsEnd(world);
      await act();
      expect(world.held()).toEqual([SHELF]);
    });
    const { steps } = await world.apply({ change });
    expect(steps.find(({ action }) => action === 'grant')?.error?.code).toBe('E_PRV_OVERTAKEN');
    expect(world.held()).toEqual([]);
    // It announced what it found, and took it away; the next sweep confirms that.
    const told = ['seen', 'granting', 'ending', 'revoked', 'ending'];
    expect(await eventsOf(world, id)).toEqual(told);
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect(await eventsOf(world, id)).toEqual([...told, 'revoked']);
    await auditIsClean(world);
  });

  it('[K2] and dies of it: the next sweep finds what it gave, says so first, and takes it away', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader', duration: '30m' });
    const change = wrapped('command', 'grant', async (act) => {
      await sleepsOverItsEnd(world);
      await act();
      throw new Interrupted();
    });
    await expect(world.apply({ change })).rejects.toThrow(Interrupted);
    expect(world.held()).toEqual([SHELF]);
    expect(exitOfRun(await world.sweep({ executor: 'pam-sweep' }))).toBe(0);
    expect(world.held()).toEqual([]);
    expect(await eventsOf(world, id)).toEqual(['seen', 'granting', 'ending', 'revoked', 'ending', 'revoked']);
    await auditIsClean(world);
  });

  it('[K2] before it asked the clock: the target is never called', async () => {
    const world = copyOf(lone);
    await world.ask({ role: 'reader', duration: '30m' });
    const change = (desk: Desk): Desk => ({
      ...desk,
      memory: {
        ...desk.memory,
        keepHead: async (...kept) => {
          await desk.memory.keepHead(...kept);
          if ((await world.peek()).intents.length > 0 && world.now === BEGIN) await sleepsOverItsEnd(world);
        },
      },
    });
    const { steps } = await world.apply({ change });
    expect(steps.find(({ action }) => action === 'grant')?.error?.code).toBe('E_PRV_TOO_LATE');
    expect(world.calls('grant')).toEqual([]);
    expect(world.held()).toEqual([]);
  });
});

describe('a slower executor with an older revocation list', { timeout: 180_000 }, () => {
  it('publishes its own serial and takes none of the others away', async () => {
    const world = copyOf(shared);
    const [first, second] = [await world.ask({ role: 'root' }), await world.ask({ role: 'root' })];
    await world.apply();
    const records = await world.records();
    const certificates = [first, second].map((id) => records.get(id)?.grant?.receipt?.certificate ?? '');
    const other = world.another('two');
    await world.stop(first, 'dana');
    const change = wrapped('ssh-ca', 'revoke', async (act) => {
      // Its view is made; meanwhile another sweeper ends the second one and publishes a newer list.
      await world.stop(second, 'dana');
      expect(exitOfRun(await other.sweep({ executor: 'pam-sweep' }))).toBe(0);
      await act();
    });
    await world.sweep({ change });
    const answers = certificates.map((certificate, at) => {
      const file = join(world.home, `certificate-${at}.pub`);
      writeFileSync(file, `${certificate}\n`);
      return spawnSync('ssh-keygen', ['-Q', '-f', join(world.home, 'krl'), file], { encoding: 'utf8' });
    });
    expect(answers.map(({ status, stdout }) => [status, stdout.includes('REVOKED')])).toEqual([
      [1, true],
      [1, true],
    ]);
    expect(exitOfRun(await world.sweep())).toBe(0);
    for (const { state } of (await world.records()).values()) expect(state).toBe('ended');
    await auditIsClean(world);
  });
});

describe('a policy that changes while apply is at work', { timeout: 180_000 }, () => {
  /** Something happens when the first push with an intent is on its way. */
  const meanwhile =
    (what: () => Promise<void>): DeskChange =>
    (desk) => {
      const { remote } = desk;
      if (remote === null) throw new Error('there is no remote');
      let done = false;
      const open = async (): Promise<Remote> => {
        const real = await remote.open();
        return {
          ...real,
          push: async (moves) => {
            if (!done) {
              done = true;
              await what();
            }
            return await real.push(moves);
          },
        };
      };
      return { ...desk, pause: async () => undefined, remote: { ...remote, open } };
    };

  it('[K15] and is in force before the intent is recorded: decided again, under the new one', async () => {
    const world = copyOf(shared);
    const id = await world.ask({ role: 'reader' });
    const fingerprint = await (await world.desk()).keyOf(world.signer('bob').keyFile);
    const admin = world.another('admin');
    const change = meanwhile(async () => {
      await admin.commitPolicy({
        revokedKeys: [{ fingerprint, at: BEGIN, reason: 'compromised', since: BEGIN }],
      });
      await admin.ratify();
    });
    const result = await world.apply({ change });
    const waiting = result.waiting.find((one) => one.id === id);
    // The catalogue's E_POLICY_CHANGED is a second decision here, with the reasons of the new policy.
    expect(waiting?.decision.reasons.filter(({ ok }) => !ok).map(({ code }) => code)).toContain(
      'E_KEY_COMPROMISED',
    );
    expect(world.calls('grant')).toEqual([]);
    expect(world.held()).toEqual([]);
    expect((await world.events()).filter(({ type }) => type === 'granting')).toEqual([]);
    await auditIsClean(world);
  });

  it('[K15] and is on main, but nobody signed it: what was read before is decided, the next run waits', async () => {
    const world = copyOf(shared);
    const [id, next] = [await world.ask({ role: 'reader' }), await world.ask({ role: 'southerner' })];
    const admin = world.another('admin');
    const change = meanwhile(async () => {
      await admin.commitPolicy({ note: 'not signed' });
    });
    expect(exitOfRun(await world.apply({ change, only: [id] }))).toBe(0);
    expect((await world.record(id)).state).toBe('live');
    const { troubles } = await world.apply();
    expect(troubles.map(({ code }) => code)).toEqual(['E_POL_UNSIGNED']);
    expect((await world.record(next)).state).toBe('seen');
    expect(world.calls('grant')).toHaveLength(1);
  });
});

describe('statement branches that somebody deletes', { timeout: 180_000 }, () => {
  const forget = (world: World, id: RequestId): number => {
    const all = world.git('for-each-ref', '--format=%(refname)', 'refs/heads/pam-statements/').split('\n');
    const refs = all.filter((ref) => ref.startsWith(`refs/heads/pam-statements/${id}.`));
    for (const ref of refs) world.git('update-ref', '-d', ref);
    return refs.length;
  };

  it('approvals, before they are recorded: nothing is granted, and a new signature is enough', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader' });
    expect(forget(world, id)).toBe(1);
    const { waiting } = await world.apply({ only: [id] });
    expect(waiting[0]?.decision.reasons.find(({ ok }) => !ok)?.code).toBe('E_APR_MISSING');
    expect(world.calls('grant')).toEqual([]);
  });

  it('approvals, after the intent: it is finished on the evidence that the ledger keeps', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader', duration: '1h' });
    const change = wrapped('command', 'grant', async () => {
      await Promise.resolve();
      throw new Interrupted();
    });
    await expect(world.apply({ change })).rejects.toThrow(Interrupted);
    expect(forget(world, id)).toBe(1);
    world.now = minutes(3);
    expect(exitOfRun(await world.apply())).toBe(0);
    expect(await world.record(id)).toMatchObject({ state: 'live', grant: { end: minutes(60) } });
    await auditIsClean(world);
  });

  it('a stop, after any executor saw it: it stays a stop', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader' });
    await world.apply({ only: [await world.ask({ role: 'southerner' })] });
    await world.stop(id, 'dana');
    // Nothing of it is granted in the run that first reads it.
    await world.apply({ only: [id] });
    expect((await world.record(id)).state).toBe('stopped');
    expect(forget(world, id)).toBe(2);
    await world.apply();
    expect((await world.record(id)).state).toBe('stopped');
    expect(world.calls('grant').map((call) => call.id)).not.toContain(id);
    await auditIsClean(world);
  });
});

describe('what lies in the way of the tracking ref of a stop', { timeout: 180_000 }, () => {
  const INTO: Readonly<Record<string, (git: string, name: string, oid: string) => void>> = {
    'an empty file': (git, name) => writeFileSync(join(git, 'refs/remotes/origin', name), ''),
    'a lock': (git, name) => writeFileSync(join(git, 'refs/remotes/origin', `${name}.lock`), ''),
    'a directory with a file': (git, name) => {
      mkdirSync(join(git, 'refs/remotes/origin', name));
      writeFileSync(join(git, 'refs/remotes/origin', name, 'below'), 'x');
    },
    'a tracking ref above it': (git, _name, oid) => {
      rmSync(join(git, 'refs/remotes/origin/pam-statements'), { recursive: true });
      writeFileSync(join(git, 'refs/remotes/origin/pam-statements'), `${oid}\n`);
    },
    'a line in packed-refs that is none': (git) => appendFileSync(join(git, 'packed-refs'), 'no line\n'),
    'a list of cuts that is none': (git) => writeFileSync(join(git, 'shallow'), 'no commit\n'),
  };

  it.each(Object.keys(INTO))('[X104] %s: the stop is obeyed', async (what) => {
    const world = copyOf(shared);
    const live = await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    await world.another('two').stop(live, 'alice');
    const found = world.git('ls-remote', 'origin', `refs/heads/pam-statements/${live}.*`).split('\n');
    const known = new Set(world.git('for-each-ref', '--format=%(refname:lstrip=3)').split('\n'));
    const [oid = '', name = ''] =
      found
        .map((line) => line.split('\t'))
        .map(([id, ref = '']) => [id, ref.replace('refs/heads/', '')])
        .find(([, ref]) => ref !== undefined && !known.has(ref)) ?? [];
    mkdirSync(join(world.dir, '.git/refs/remotes/origin/pam-statements'), { recursive: true });
    INTO[what]?.(join(world.dir, '.git'), name, oid);
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    expect((await world.another('three').record(live)).ending?.cause).toBe('stopped');
  });
});

describe('a pusher of junk', { timeout: 180_000 }, () => {
  it('[X103] wins every race for the ledger: what was stopped ends all the same, and is recorded later', async () => {
    const world = copyOf(shared);
    const live = await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    await world.stop(live, 'alice');
    let pushes = 0;
    const remoteDir = world.git('config', 'remote.origin.url').replace('file://', '');
    const bare = (...args: string[]): string => world.git('--git-dir', remoteDir, ...args);
    const outrun = (desk: Desk): Desk => {
      const { remote } = desk;
      if (remote === null) throw new Error('there is no remote');
      const open = async (): Promise<Remote> => {
        const real = await remote.open();
        return {
          ...real,
          push: async (moves) => {
            pushes += 1;
            const tip = bare('rev-parse', 'refs/heads/pam-ledger');
            const junk = bare('commit-tree', '-p', tip, '-m', 'x', `${tip}^{tree}`);
            bare('update-ref', 'refs/heads/pam-ledger', junk);
            return await real.push(moves);
          },
        };
      };
      return { ...desk, pause: async () => undefined, remote: { ...remote, open } };
    };
    const swept = await world.sweep({ change: outrun });
    expect(world.held()).toEqual([]);
    expect(swept.troubles.map(({ code }) => code)).toContain('E_RACE_LOST');
    // Six tries for the ending, and for its outcome.
    expect(pushes).toBeLessThanOrEqual(18);
    await world.sweep();
    expect((await world.record(live)).state).toBe('ended');
  });
});

/** The desk of a clone whose fetches may bring less than the product lets them. */
const boundedTo =
  (clone: string, maxBytes: number): DeskChange =>
  (desk) => {
    if (desk.remote === null) throw new Error('there is no remote');
    const open = async (): Promise<Remote> => {
      const place = await findRepository(clone, desk.env);
      const sealed = seal(place, desk.env);
      const refs = openRefs(sealed, place);
      const stream = openObjectStream(sealed);
      return await openRemote({ place, sealed, refs, stream, env: desk.env, name: 'origin', maxBytes });
    };
    let opened: Promise<Remote> | undefined;
    return { ...desk, remote: { ...desk.remote, open: async () => await (opened ??= open()) } };
  };

describe('more on the ledger than a run may fetch', { timeout: 180_000 }, () => {
  async function hidden(): Promise<{ readonly world: World; readonly two: World; readonly live: RequestId }> {
    const world = copyOf(shared);
    const two = world.another('two');
    await two.sweep({ executor: 'pam-sweep' });
    const live = await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    expect(world.held()).toEqual([SHELF]);
    const bare = (...args: string[]): string => world.git('--git-dir', world.remote ?? '', ...args);
    writeFileSync(join(world.home, 'large'), randomBytes(6_000_000));
    const blob = bare('hash-object', '-w', join(world.home, 'large'));
    const tip = bare('rev-parse', 'refs/heads/pam-ledger');
    const tree = execFileSync('git', ['--git-dir', world.remote ?? '', 'mktree'], {
      input: `100644 blob ${blob}\tlarge\n`,
      encoding: 'utf8',
    }).trim();
    bare('update-ref', 'refs/heads/pam-ledger', bare('commit-tree', '-p', tip, '-m', 'x', tree));
    two.now = minutes(30);
    return { world, two, live };
  }

  it('[X105] a grant below it, on a machine that never saw it: it ends in the same sweep', async () => {
    const { world, two, live } = await hidden();
    const change = boundedTo(two.dir, 2_000_000);
    const swept = await two.sweep({ executor: 'pam-sweep', change });
    expect(world.held()).toEqual([]);
    expect(swept.steps).toMatchObject([{ action: 'revoke', id: live, result: 'done' }]);
    expect((await two.record(live)).state).toBe('ended');
    expect(swept.troubles.map(({ code }) => code)).toEqual(['E_LED_JUNK']);
  });

  it('[X105] an executor that grants holds back, and ends nothing late for it', async () => {
    const { two, live } = await hidden();
    const change = boundedTo(two.dir, 2_000_000);
    await expect(two.apply({ change })).rejects.toMatchObject({ code: 'E_RACE_LOST' });
    await two.sweep({ executor: 'pam-sweep', change });
    // The sweep's entries stand above it by now.
    expect((await two.apply({ change })).troubles).toEqual([]);
    expect((await two.record(live)).state).toBe('ended');
  });
});

describe('locks that a dead git left behind', { timeout: 180_000 }, () => {
  const LOCKS = ['index.lock', 'packed-refs.lock', 'HEAD.lock', 'config.lock', 'shallow.lock', 'gc.pid'];

  it('[K9] in a clone: grants and revocations go on', async () => {
    const world = copyOf(shared);
    const id = await world.ask({ role: 'reader', duration: '30m' });
    for (const name of LOCKS) writeFileSync(join(world.dir, '.git', name), '4194304 elsewhere\n');
    expect(exitOfRun(await world.apply())).toBe(0);
    expect((await world.record(id)).state).toBe('live');
    world.now = minutes(30);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect(world.held()).toEqual([]);
  });

  it('[K9] on the tracking ref of the ledger: what is due is revoked and recorded', async () => {
    const world = copyOf(shared);
    const live = await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    writeFileSync(join(world.dir, '.git/refs/remotes/origin/pam-ledger.lock'), '');
    world.now = minutes(30);
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([]);
    expect((await world.another('two').record(live)).state).toBe('ended');
  });

  it('[K9] [X101] on the tracking ref, while another one writes: the loser is told at once which lock, and what to do', async () => {
    const world = copyOf(shared);
    let pushes = 0;
    await world.ask({ role: 'reader' });
    const other = world.another('two');
    const lock = join(world.dir, '.git/refs/remotes/origin/pam-ledger.lock');
    const locked = (desk: Desk): Desk => {
      const { remote } = desk;
      if (remote === null) throw new Error('there is no remote');
      let first = true;
      const open = async (): Promise<Remote> => {
        const real = await remote.open();
        return {
          ...real,
          push: async (moves) => {
            pushes += 1;
            if (first) {
              first = false;
              await other.apply();
              writeFileSync(lock, '');
            }
            return await real.push(moves);
          },
        };
      };
      return { ...desk, pause: async () => undefined, remote: { ...remote, open } };
    };
    const calls = world.calls('grant').length;
    await expect(world.apply({ change: locked })).rejects.toMatchObject({
      code: 'E_RACE_LOST',
      message: expect.stringContaining(lock),
      hint: expect.stringMatching(
        /nothing was done at any target; .*one died there: remove .*pam-ledger\.lock/u,
      ),
    });
    // It waits for the lock each time.
    expect(pushes).toBe(2);
    // The other one's.
    expect(world.calls('grant').length).toBe(calls + 1);
    execFileSync('rm', [lock]);
    expect(exitOfRun(await world.apply())).toBe(0);
  });

  it('[K9] in the shared remote: nothing is granted, what is due is revoked, and recorded when it is gone', async () => {
    const world = copyOf(shared);
    const live = await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    await world.ask({ role: 'southerner' });
    const lock = join(world.home, 'remote.git/refs/heads/pam-ledger.lock');
    writeFileSync(lock, '');
    const impatient = (desk: Desk): Desk => ({ ...desk, pause: async () => undefined });
    await expect(world.apply({ change: impatient })).rejects.toMatchObject({ code: 'E_RACE_LOST' });
    expect(world.calls('grant')).toHaveLength(1);
    world.now = minutes(30);
    expect(exitOfRun(await world.sweep({ change: impatient }))).toBe(3);
    expect(world.held()).toEqual([]);
    execFileSync('rm', [lock]);
    expect(exitOfRun(await world.sweep())).toBe(0);
    expect((await world.record(live)).state).toBe('ended');
  });
});

describe('a machine that runs out', { timeout: 180_000 }, () => {
  it('[K12] of a place to remember: grants and revokes all the same, and says so', async () => {
    const world = copyOf(lone);
    await world.ask({ role: 'reader', duration: '30m' });
    const change = (desk: Desk): Desk => {
      const broken = memoryOf('/dev/null/state', desk.memory.directory);
      return { ...desk, memory: { ...desk.memory, keepHead: broken.keepHead } };
    };
    expect(exitOfRun(await world.apply({ change }))).toBe(0);
    world.now = minutes(30);
    expect(exitOfRun(await world.sweep({ change }))).toBe(0);
    expect(world.held()).toEqual([]);
    expect(world.notes.join('\n')).toContain('could not be remembered');
  });

  /** The limit that the kernel sets on a process and what it starts: a full disk, or no more open files. */
  const limited = async (world: World, run: 'apply' | 'sweep', limit: string) =>
    await runExecutor(
      { home: world.home, host: world.host, executor: 'pam-apply', now: world.now, runs: [{ run }] },
      limit,
    );

  it('[K12] of disk before the intent: the target is not called, nothing half-written is read later', async () => {
    const world = copyOf(lone);
    const id = await world.ask({ role: 'reader', duration: '30m' });
    const before = world.git('rev-parse', 'refs/heads/pam-ledger');
    const ended = await limited(world, 'apply', 'ulimit -f 0');
    expect(ended.report?.rounds).not.toEqual([0]);
    expect(world.git('rev-parse', 'refs/heads/pam-ledger')).toBe(before);
    expect(world.calls('grant')).toEqual([]);
    expect(exitOfRun(await world.apply())).toBe(0);
    expect((await world.record(id)).state).toBe('live');
    await auditIsClean(world);
  });

  it.each([18, 22, 26])(
    '[K12] of open files (%i): nothing is there that no intent explains, and the next run mends it',
    async (files) => {
      const world = copyOf(lone);
      await world.ask({ role: 'writer', duration: '30m' });
      await limited(world, 'apply', `ulimit -n ${files}`);
      const known = explained((await world.peek()).records);
      expect(world.held().filter((one) => !known.includes(one))).toEqual([]);
      world.now = minutes(3);
      await world.apply();
      await limited(world, 'sweep', `ulimit -n ${files}`);
      world.now = minutes(40);
      await limited(world, 'sweep', `ulimit -n ${files}`);
      expect(exitOfRun(await world.sweep())).toBe(0);
      expect(world.held()).toEqual([]);
      await auditIsClean(world);
    },
  );
});
