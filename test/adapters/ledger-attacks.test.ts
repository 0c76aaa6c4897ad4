/** Attacks that once worked, each as it was made: by people who may push, or who hold one executor's key. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { printEntry } from '../../src/documents/entry-file.ts';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import type { Entry, LedgerEvent } from '../../src/model/entry.ts';
import { EXIT } from '../../src/model/error.ts';
import { readable } from '../../src/model/git.ts';
import { plus } from '../../src/model/instant.ts';
import { type Oid, requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { foldIndex } from '../../src/rules/fold-index.ts';
import { indexDigest } from '../../src/rules/print-index.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import { tempDir } from './git-workbench.ts';

const SHELF = 'north dana read';
const minutes = (count: number) => plus(BEGIN, count * 60);
const codesOf = ({ troubles }: RunResult): readonly string[] => troubles.map(({ code }) => code);

let fresh: World;
beforeAll(async () => {
  fresh = await makeWorld(join(tempDir(), 'world'), { remote: true });
}, 120_000);

const copy = (): World => fresh.copy(join(tempDir(), 'world'));

async function withLiveGrant(): Promise<World> {
  const world = copy();
  await world.ask({ role: 'reader', duration: '30m' });
  await world.apply();
  expect(world.held()).toEqual([SHELF]);
  return world;
}

/** Whoever may push puts a commit on the ledger branch. */
async function pushOnLedger(
  world: World,
  parents: readonly Oid[],
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Oid> {
  const { repository, remote } = await world.desk();
  const commit = await repository.writeCommit({
    parents,
    base: parents[0] ?? null,
    files,
    message: 'nothing to see',
    author: 'mallory',
    at: world.now,
  });
  const pushed = await (await remote?.open())?.push([{ oid: commit, ref: 'refs/heads/pam-ledger' }]);
  expect(pushed).toBe('moved');
  return commit;
}

/** `entry.json` and its signature, as whoever stole the sweep key would write the next one. */
async function forgeWithSweepKey(
  world: World,
  events: (live: RequestId) => readonly LedgerEvent[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const desk = await world.desk();
  const { state } = (await freshLedger(desk)).view;
  const live = [...state.index.records.keys()][0];
  if (live === undefined) throw new Error('nothing is live');
  const entry: Entry = {
    root: state.root,
    seq: state.seq + 1,
    previous: state.head,
    at: world.now,
    executor: 'pam-sweep',
    policy: state.policy.digest,
    index: state.entry.index,
    events: events(live),
  };
  const swept = { seq: entry.seq, at: entry.at, executor: entry.executor, main: null, policy: state.policy };
  const keyFile = world.executor('pam-sweep').keyFile;
  const key = await desk.keyOf(keyFile);
  const honest = entry.events.every(({ type }) => type === 'heartbeat');
  const index = honest ? indexDigest(foldIndex(state.index, entry.events, { ...swept, key })) : entry.index;
  const bytes = printEntry({ ...entry, index });
  const armor = await desk.sign(Buffer.from(bytes).toString('utf8'), LEDGER_NAMESPACE, keyFile);
  return new Map([
    ['entry.json', bytes],
    ['entry.json.sig', Buffer.from(armor)],
  ]);
}

async function ledgerTip(world: World): Promise<Oid> {
  const { remote } = await world.desk();
  const tip = (await (await remote?.open())?.list(['refs/heads/pam-ledger']))?.get('refs/heads/pam-ledger');
  if (tip === undefined) throw new Error('there is no ledger');
  return tip;
}

describe('junk on the ledger branch', () => {
  it('[M7] a copy of the newest entry with a file more is no ground to write on, even if this machine kept it', async () => {
    const world = await withLiveGrant();
    const more = new Map([['more.txt', Buffer.from('x')]]);
    const copied = await pushOnLedger(world, [await ledgerTip(world)], more);
    const { memory } = await world.desk();
    const owner = 'executor.pam-apply';
    const kept = await memory.keptHead(owner);
    if (kept === undefined) throw new Error('nothing was kept');
    await memory.keepHead(owner, { ...kept, commit: copied });
    world.now = minutes(31);
    await world.sweep();
    expect(world.held()).not.toContain(SHELF);
    const tip = await ledgerTip(world);
    expect(tip).not.toBe(copied);
    expect(world.git('ls-tree', '-r', '--name-only', copied)).toContain('more.txt');
    expect(world.git('ls-tree', '-r', '--name-only', tip)).not.toContain('more.txt');
    // Audit says what the copy is, and has nothing against what was written after it.
    const { findings } = await world.audit();
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['warning W_LED_JUNK']);
  });

  it('[M7] an entry too large to read is junk like any other: sweep ends what is due, grants wait one run', async () => {
    const world = await withLiveGrant();
    await world.ask({ role: 'southerner' });
    const large = new Map([['entry.json', Buffer.alloc(5_000_000, 'a')]]);
    await pushOnLedger(world, [await ledgerTip(world)], large);
    world.now = minutes(10);
    const halted = await world.apply();
    expect({ codes: codesOf(halted), held: world.held() }).toEqual({ codes: ['E_LED_JUNK'], held: [SHELF] });
    world.now = minutes(31);
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).not.toContain(SHELF);
    const { findings } = await world.audit();
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['warning W_LED_JUNK']);
  });

  it("[M7] a stranger's entry is not even parsed", async () => {
    const world = await withLiveGrant();
    const desk = await world.desk();
    const text = '{"events":[{"type":"granting"}]}\n';
    const armor = await desk.sign(text, 'pam-ledger-v1@pam', world.signer('dana').keyFile);
    const files = new Map([
      ['entry.json', Buffer.from(text)],
      ['entry.json.sig', Buffer.from(armor)],
    ]);
    await pushOnLedger(world, [await ledgerTip(world)], files);
    const { troubles } = await world.apply();
    expect(troubles.map(({ message }) => message)).toEqual([
      expect.stringContaining('no executor in force signed it'),
    ]);
  });
});

describe('two histories', () => {
  it('[M3] a merge that hides the true tail behind an older entry is a fork: nobody new believes either', async () => {
    const world = copy();
    const other = copy();
    await world.ask({ role: 'reader', duration: '30m' });
    await world.apply();
    await other.ask({ role: 'southerner', duration: '30m' });
    await other.apply();
    world.git('fetch', '-q', join(other.home, 'remote.git'), 'refs/heads/pam-ledger');
    const theirs = world.git('rev-parse', 'FETCH_HEAD').trim() as Oid;
    await pushOnLedger(world, [theirs, await ledgerTip(world)], new Map());

    const runner = world.another('runner');
    runner.now = minutes(5);
    for (const round of [1, 2]) {
      const run = await runner.apply().then(exitOfRun, (error: unknown) => (error as { exit: number }).exit);
      expect({ round, run }).toEqual({ round, run: EXIT.integrity });
    }
    expect(world.calls('grant')).toHaveLength(1);
    const { findings } = await runner.audit();
    expect(findings.map(({ code }) => code)).toContain('E_LED_FORK');

    // Who knew the true history goes on: the grant ends, and the run says what it saw.
    world.now = minutes(31);
    const swept = await world.sweep({ executor: 'pam-apply' });
    expect({ exit: exitOfRun(swept), held: world.held() }).toEqual({ exit: EXIT.integrity, held: [] });
  });

  it('[M3] a copy of a forged entry that was junk where it would follow is no second history', async () => {
    const world = await withLiveGrant();
    const thief = await forgeWithSweepKey(world, (live) => [
      { type: 'revoked', id: live, kept_for: {}, usage: null },
    ]);
    const forged = await pushOnLedger(world, [await ledgerTip(world)], thief);
    // Honest executors go on above it; then somebody without any key pushes the same bytes again.
    world.now = minutes(5);
    await world.sweep({ executor: 'pam-sweep' });
    await pushOnLedger(world, [await ledgerTip(world)], thief);
    expect(forged).not.toBe(await ledgerTip(world));
    const stranger = world.another('two');
    world.now = minutes(31);
    stranger.now = world.now;
    const swept = await stranger.sweep({ executor: 'pam-sweep' });
    expect(codesOf(swept)).toEqual(['E_LED_JUNK']);
    expect(stranger.held()).toEqual([]);
    expect((await stranger.audit()).findings.map(({ code }) => code)).not.toContain('E_LED_FORK');
    expect(codesOf(await stranger.sweep({ executor: 'pam-sweep' }))).toEqual([]);
  });

  it('[M3] but one that would have been true there is a fork, however its commit looked', async () => {
    const world = await withLiveGrant();
    // Nobody's grant: a heartbeat, as that key may write it, in a commit that holds something else as well.
    const thief = await forgeWithSweepKey(world, () => [{ type: 'heartbeat', id: '-', live: 1 }]);
    await pushOnLedger(world, [await ledgerTip(world)], new Map([...thief, ['more', Buffer.from('x')]]));
    world.now = minutes(5);
    await world.sweep({ executor: 'pam-sweep' });
    await pushOnLedger(world, [await ledgerTip(world)], thief);
    const swept = await world.another('two').sweep({ executor: 'pam-sweep' });
    expect(codesOf(swept)).toContain('E_LED_FORK');
  });

  it('[M2] a copy of an old entry on top is junk, not a fork', async () => {
    const world = await withLiveGrant();
    const tip = await ledgerTip(world);
    const desk = await world.desk();
    const [first] = await desk.repository.history(tip);
    if (first === undefined) throw new Error('the ledger is empty');
    const names = ['entry.json', 'entry.json.sig'];
    const blobs = await desk.repository.read(
      names.map((path) => ({ treeish: first.oid, path })),
      1_000_000,
    );
    const files = blobs.map((blob) => readable(blob, 'the first entry') ?? new Uint8Array());
    await pushOnLedger(world, [tip], new Map(names.map((name, at) => [name, files[at] ?? new Uint8Array()])));
    expect(codesOf(await world.apply())).toEqual(['E_LED_JUNK']);
    expect(codesOf(await world.apply())).toEqual([]);
  });
});

describe('what a requester or a pusher can do to the others', () => {
  it('[Q1] the name of all statements cannot be taken: the first one is there from the beginning', async () => {
    const world = copy();
    const first = world.git('ls-remote', '--heads', 'origin', 'refs/heads/pam-statements/*');
    expect(first).toMatch(/\trefs\/heads\/pam-statements\/policy-1\.[0-9a-f]{16}$/u);
    expect(() => world.git('push', '-q', 'origin', 'HEAD:refs/heads/pam-statements')).toThrow(
      /pam-statements/u,
    );
    await Promise.resolve();
  });

  it('bytes that were refused and signed again are not seen again, and stop nobody', async () => {
    const world = copy();
    const doomed = await world.ask({ role: 'reader' });
    world.commitToMain({ [signaturePath(doomed)]: 'no signature\n' });
    await world.apply();
    expect((await world.record(doomed)).state).toBe('unseen');

    const desk = await world.desk();
    const bytes = world.git('show', `origin/main:${requestPath(doomed)}`);
    const root = (await world.audit()).root;
    const text = printStatement({
      type: 'request',
      root,
      signer: 'dana',
      signedAt: world.now,
      request: doomed,
      requestSha256: sha256(bytes),
    });
    const armor = await desk.sign(text, STATEMENT_KINDS.request.namespace, world.signer('dana').keyFile);
    world.commitToMain({ [signaturePath(doomed)]: joinSigned({ text, armor }) });
    const other = await world.ask({ role: 'reader' });
    await world.apply();
    expect((await world.record(other)).state).toBe('live');
    expect((await world.record(doomed)).state).toBe('unseen');
  });

  it.each([
    ['another ledger branch', 'version: 1\nforge: { kind: git, remote: origin }\nledger: elsewhere\n'],
    ['no remote', 'version: 1\nforge: { kind: git }\n'],
  ])('an unsigned pam.yaml on main that names %s moves no sweep', async (_, text) => {
    const world = await withLiveGrant();
    world.commitToMain({ 'pam.yaml': text });
    const runner = world.another('runner');
    for (const host of [world, runner]) {
      host.now = minutes(31);
      await host.sweep({ executor: 'pam-sweep' });
    }
    expect(world.held()).toEqual([]);
  });
});
