/**
 * Audit: walk everything, decide everything again, write nothing.
 *
 * One file: how parts are joined, in which order, and what the verdict is, read as one story.
 */
import type { ErrorCode } from '../../model/error-codes.ts';
import { type Checkpoint, readCheckpoint } from '../../documents/checkpoint-file.ts';
import type { CommitLog } from '../../model/commit-log.ts';
import { PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { Fingerprint, Oid, Sha256 } from '../../model/names.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { auditEnd, type Finding, type Wrote } from '../../rules/audit-entry.ts';
import { lastSweepOf } from '../../rules/judge-sweep.ts';
import { EntryDigests } from '../../trust/entry-digests.ts';
import { auditPart } from './audit-part.ts';
import type { Desk } from '../desk.ts';
import { FORK_WAY_OUT, judgeJunk, type Stray, withPlaces } from '../ledger/walk/ledger-junk.ts';
import type { Auditors, Counts, JunkAt, PartFound, PartJob, Point } from './ledger-part.ts';
import { lookAtSides, type Sides } from '../ledger/walk/ledger-sides.ts';
import { type Newer, tellNewer } from '../ledger/walk/newer-version.ts';
import { stateAt } from '../ledger/walk/state-at.ts';
import { ledgerTip, wholeLedger } from '../ledger/walk/walk-whole.ts';
import { commitOfEntry, type Known, witnessesOf } from '../ledger/walk/witness.ts';

export interface Totals extends Counts {
  readonly live: number;
  /** Entries by executor key; `signedByPeople` counts statements: whose word each thing is. */
  readonly byExecutor: Readonly<Record<string, number>>;
}

export interface Audited {
  readonly ok: boolean;
  readonly root: Sha256;
  readonly pinned: boolean;
  /** The entry that all this starts from; it and what is below was taken on the auditor's word. */
  readonly since: number | null;
  readonly seq: number;
  readonly head: Sha256;
  readonly at: Instant;
  readonly lastSweep: Instant | null;
  readonly findings: readonly Finding[];
  readonly totals: Totals;
}

export interface AuditWish {
  /** The ledger must extend it. */
  readonly checkpoint?: Uint8Array | undefined;
  /** Only what came after it is read. */
  readonly since?: Uint8Array | undefined;
  /** For long ledgers; without them everything is read in this process. */
  readonly auditors?: Auditors | null;
}

export async function audit(desk: Desk, wish: AuditWish = {}): Promise<Audited> {
  const since = wish.since === undefined ? undefined : readCheckpoint(wish.since);
  const beginning = since === undefined ? await fromGenesis(desk) : await fromCheckpoint(desk, since);
  const { root, pinned } = beginning;
  const { joined, end, sides } = await walkRightSide(desk, beginning, wish.auditors ?? null);
  const { state } = end;
  const findings = [
    ...inOrder([...joined.findings, ...(await judgeAllJunk(desk, beginning, joined, end, sides))]),
    ...(await judgeForks(desk, joined, end, sides)),
    ...(joined.newer === null ? [] : [tellNewer(joined.newer)]),
    ...joined.otherMessages,
    ...auditEnd(state, desk.clock(), joined.writers),
    ...(wish.checkpoint === undefined ? [] : await judgeCheckpoint(desk, joined, end, wish.checkpoint)),
    ...(pinned ? [] : [unpinned(root)]),
  ];
  const live = [...state.index.records.values()].filter(mayBeLive).length;
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    root,
    pinned,
    since: since?.seq ?? null,
    seq: state.seq,
    head: state.head,
    at: state.entry.at,
    lastSweep: lastSweepOf(state),
    findings,
    totals: { ...joined.counts, live, byExecutor: Object.fromEntries(joined.byExecutor) },
  };
}

/** A fork that policy settled is walked again, on the side that it says; each round settles one more. */
const MOST_ROUNDS = 16;

interface Right {
  readonly joined: Joined;
  readonly end: Known;
  readonly sides: Sides;
}

async function walkRightSide(desk: Desk, beginning: Beginning, auditors: Auditors | null): Promise<Right> {
  let settled: ReadonlySet<Sha256> = new Set();
  for (let round = 0; ; round++) {
    const joined = new Joined(beginning);
    for await (const found of partsOf(desk, beginning, settled, auditors)) joined.add(found);
    const { last } = joined;
    const at = { root: beginning.root, head: last.head };
    const state = await stateAt(desk.repository, desk.providers, last.commit, at);
    if (state === undefined) throw new PamError('E_BUG', `entry ${last.seq} was there a moment ago`);
    const end = { state, commit: last.commit };
    const sides = await lookAtSides(desk, end, joined.junk, joined.executors);
    if (sides.settles.size === 0 || round >= MOST_ROUNDS) return { joined, end, sides };
    settled = new Set([...settled, ...sides.settles]);
  }
}

interface Beginning {
  readonly root: Sha256;
  readonly pinned: boolean;
  readonly first: Point;
  /** The first entry is the genesis, and counts. */
  readonly genesis: boolean;
  readonly above: CommitLog;
  /** Commits of `above` that lie before the beginning in their order. */
  readonly before: ReadonlySet<Oid>;
}

async function fromGenesis(desk: Desk): Promise<Beginning> {
  const { step, above, before, pinned } = await wholeLedger(desk);
  const { root, seq, head } = step.after;
  const first = { commit: step.commit.oid, seq, head };
  const early = new Set(above.slice(0, before).map(({ oid }) => oid));
  return { root, pinned, first, genesis: true, above, before: early };
}

/** The auditor verified up to there before, and says so; the root, too, comes from that file. */
async function fromCheckpoint(desk: Desk, { root, seq, head }: Checkpoint): Promise<Beginning> {
  const known = desk.givenRoot ?? (await desk.memory.pinnedRoot());
  if (known !== undefined && known !== root)
    throw new PamError('E_LED_CHECKPOINT', 'the checkpoint is of another access repository');
  const tip = await ledgerTip(desk);
  const commit = await commitOfEntry(desk, tip, head);
  if (commit === undefined) {
    throw new PamError(
      'E_LED_ROLLBACK',
      `the checkpoint knows entry ${seq}, which this ledger no longer holds`,
    );
  }
  const above = await desk.repository.commitLog(tip, [commit]);
  return { root, pinned: true, first: { commit, seq, head }, genesis: false, above, before: new Set() };
}

/** Parts in their order, each beginning with the entry that the one before it ended with. */
async function* partsOf(
  desk: Desk,
  { root, first, genesis, above }: Beginning,
  settled: ReadonlySet<Sha256>,
  auditors: Auditors | null,
): AsyncGenerator<PartFound, void, undefined> {
  if (auditors === null || above.length < auditors.worthwhile) {
    const commits = above.text;
    yield await partFrom(desk, { root, below: first, genesis, singleCore: false, commits, settled });
    return;
  }
  const length = Math.min(auditors.longest, Math.ceil(above.length / auditors.count));
  const jobAt = (place: number): PartJob => {
    const from = place * length;
    const below = from === 0 ? first : { commit: above.at(from - 1).oid, head: null };
    const commits = above.part(from, from + length).text;
    return { root, below, genesis: genesis && place === 0, singleCore: true, commits, settled };
  };
  let last = first;
  let place = 0;
  for await (const found of auditors.found(Math.ceil(above.length / length), jobAt)) {
    // Its first commit may hold junk, or an entry that is not of this chain: then it is read again from where we are.
    const fits = found !== null && samePlace(found.below, last);
    const part = fits ? found : await partFrom(desk, { ...jobAt(place), below: last, singleCore: false });
    yield part;
    if (part.newer !== null) return;
    ({ last } = part);
    place += 1;
    desk.progress(`verified entry ${last.seq}`);
  }
}

const samePlace = (a: Point, b: Point): boolean =>
  a.commit === b.commit && a.seq === b.seq && a.head === b.head;

async function partFrom(desk: Desk, job: PartJob & { readonly below: Point }): Promise<PartFound> {
  const found = await auditPart(desk, job);
  if (found !== null) return found;
  throw new PamError('E_LED_INDEX', `entry ${job.below.seq} does not stand beside the files that it names`);
}

/** Everything that the parts found, in their order. */
class Joined {
  readonly counts = { entries: 0, grants: 0, revocations: 0, policies: 0, signedByPeople: 0 };
  readonly byExecutor = new Map<string, number>();
  readonly writers = new Map<string, Wrote>();
  readonly findings: Finding[] = [];
  readonly otherMessages: Finding[] = [];
  readonly junk: JunkAt[] = [];
  readonly strays: Stray[] = [];
  readonly executors = new Set<Fingerprint>();
  newer: Newer | null = null;
  readonly digests: EntryDigests;
  readonly #voided = new Set<string>();
  last: Point;
  #next: number;

  constructor({ first, genesis }: Beginning) {
    this.last = first;
    this.#next = genesis ? first.seq : first.seq + 1;
    this.digests = new EntryDigests(this.#next);
  }

  add(part: PartFound): void {
    for (const name of COUNTED) this.counts[name] += part[name];
    for (const [name, count] of Object.entries(part.byExecutor))
      this.byExecutor.set(name, (this.byExecutor.get(name) ?? 0) + count);
    for (const [key, wrote] of part.writers) {
      const known = this.writers.get(key);
      this.writers.set(key, {
        entries: (known?.entries ?? []).concat(wrote.entries),
        policies: (known?.policies ?? []).concat(wrote.policies),
      });
    }
    for (const one of part.findings) this.findings.push(one);
    for (const one of part.otherMessages) this.otherMessages.push(one);
    for (const one of part.junk) {
      this.junk.push(one);
      if (one.stray !== null && !this.#voided.has(one.stray.identity)) this.strays.push(one.stray);
    }
    this.newer = part.newer;
    for (const key of part.executors) this.executors.add(key);
    for (const told of part.voided) this.#voided.add(told);
    this.digests.addAll(this.#next, part.digests);
    this.last = part.last;
    this.#next = part.last.seq + 1;
  }
}

const COUNTED = ['entries', 'grants', 'revocations', 'policies', 'signedByPeople'] as const;

/** Of entries below the beginning, too. */
async function digestsOf(
  desk: Desk,
  { digests }: Joined,
  end: Known,
  seqs: readonly number[],
): Promise<ReadonlyMap<number, Sha256>> {
  const found = new Map<number, Sha256>();
  const below: number[] = [];
  for (const seq of seqs) {
    const digest = digests.get(seq);
    if (digest !== undefined) found.set(seq, digest);
    else if (seq < digests.first) below.push(seq);
  }
  return new Map([...found, ...(await witnessesOf(desk, end, below))]);
}

const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort((a, b) => a.seq - b.seq);

async function judgeAllJunk(
  desk: Desk,
  { before }: Beginning,
  joined: Joined,
  end: Known,
  { dead }: Sides,
): Promise<readonly Finding[]> {
  const { executors } = joined;
  const junk = await withPlaces(desk.repository, joined.junk, executors);
  const named = junk.flatMap(({ signed }) => signed?.entry?.seq ?? []);
  const chain = await digestsOf(desk, joined, end, named);
  const seqOf = ({ commit, seq }: JunkAt): number => (seq === 1 && before.has(commit) ? 0 : seq);
  const seqsOf = ({ entries }: Wrote): ReadonlySet<number> => new Set(entries.map(({ seq }) => seq));
  const written = new Map([...joined.writers].map(([key, wrote]) => [key, seqsOf(wrote)]));
  // What lies below the auditor's own checkpoint was not read again: there the bytes alone have to do.
  const wrote = (key: Fingerprint, seq: number): boolean =>
    seq < joined.digests.first || written.get(key)?.has(seq) === true;
  return junk.map((one) => judgeJunk(one, seqOf(one), { executors, chain, wrote, dead }));
}

/**
 * An executor's entry that follows another one is a second history, unless it is a copy of one of ours, or policy
 * settled that it is not followed.
 */
async function judgeForks(
  desk: Desk,
  joined: Joined,
  end: Known,
  { believed, dead }: Sides,
): Promise<readonly Finding[]> {
  const beside = new Map([...joined.strays, ...believed].map(({ seq, head }) => [head, seq]));
  const ours = await digestsOf(desk, joined, end, [...beside.values()]);
  return [...beside]
    .filter(([head, seq]) => ours.get(seq) !== head && !dead.has(head))
    .map(([head, seq]) => ({
      code: 'E_LED_FORK',
      severity: 'error',
      seq,
      message: `an executor signed two entries ${seq}: ${head} and ${ours.get(seq) ?? 'none'} of this chain; ${FORK_WAY_OUT}`,
    }));
}

/** The ledger must extend the checkpoint that was kept elsewhere. */
async function judgeCheckpoint(
  desk: Desk,
  joined: Joined,
  end: Known,
  bytes: Uint8Array,
): Promise<readonly Finding[]> {
  const kept = readCheckpoint(bytes);
  const wrong = (code: ErrorCode, message: string): Finding[] => [
    { code, severity: 'error', seq: kept.seq, message },
  ];
  if (kept.root !== end.state.root)
    return wrong('E_LED_CHECKPOINT', 'the checkpoint is of another access repository');
  const here = (await digestsOf(desk, joined, end, [kept.seq])).get(kept.seq);
  if (here === undefined) {
    return wrong(
      'E_LED_ROLLBACK',
      `the checkpoint knows entry ${kept.seq}, which this ledger no longer holds`,
    );
  }
  return here === kept.head
    ? []
    : wrong('E_LED_CHECKPOINT', `entry ${kept.seq} is not the one that the checkpoint names`);
}

function unpinned(root: Sha256): Finding {
  const message = `UNPINNED: ${root} was only found here; compare it with the root that your team wrote down, and give --root`;
  return { code: 'E_LED_UNPINNED', severity: 'error', seq: 0, message };
}
