/** Audit: walk everything, decide everything again, write nothing. */
import { type Checkpoint, readCheckpoint } from '../documents/checkpoint-file.ts';
import type { CommitLog } from '../model/commit-log.ts';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import { mayBeLive } from '../model/open-record.ts';
import { auditEnd, type Finding } from '../rules/audit-entry.ts';
import { lastSweepOf } from '../rules/judge-sweep.ts';
import { EntryDigests } from '../trust/entry-digests.ts';
import { auditPart, judgeJunk } from './audit-part.ts';
import type { Desk } from './desk.ts';
import type { Counts, PartFound, PartJob, Point } from './ledger-part.ts';
import { stateAt, type Stray } from './walk-ledger.ts';
import { ledgerTip, wholeLedger } from './walk-whole.ts';
import { commitOfEntry, type Known, witnessesOf } from './witness.ts';

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
}

export async function audit(desk: Desk, wish: AuditWish = {}): Promise<Audited> {
  const since = wish.since === undefined ? undefined : readCheckpoint(wish.since);
  const beginning = since === undefined ? await fromGenesis(desk) : await fromCheckpoint(desk, since);
  const { root, pinned } = beginning;
  const joined = new Joined(beginning);
  for await (const found of partsOf(desk, beginning)) joined.add(found);
  const { last } = joined;
  const state = await stateAt(desk.repository, desk.providers, last.commit, { root, head: last.head });
  if (state === undefined) throw new PamError('E_BUG', `entry ${last.seq} was there a moment ago`);

  const end = { state, commit: last.commit };
  const findings = [
    ...beginning.findings,
    ...joined.findings,
    ...(await judgeStrays(desk, joined, end)),
    ...joined.untold,
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

interface Beginning {
  readonly root: Sha256;
  readonly pinned: boolean;
  readonly first: Point;
  /** The first entry is the genesis, and counts. */
  readonly genesis: boolean;
  readonly above: CommitLog;
  readonly findings: readonly Finding[];
}

async function fromGenesis(desk: Desk): Promise<Beginning> {
  const { step, junk, above, pinned } = await wholeLedger(desk);
  const { root, seq, head } = step.after;
  const first = { commit: step.commit.oid, seq, head };
  return { root, pinned, first, genesis: true, above, findings: junk.map((one) => judgeJunk(one, 0)) };
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
  return { root, pinned: true, first: { commit, seq, head }, genesis: false, above, findings: [] };
}

/** Parts in their order, each beginning with the entry that the one before it ended with. */
async function* partsOf(
  desk: Desk,
  { root, first, genesis, above }: Beginning,
): AsyncGenerator<PartFound, void, undefined> {
  const { auditors } = desk;
  if (auditors === null || above.length < auditors.worthwhile) {
    yield await partFrom(desk, { root, below: first, genesis, crowded: false, commits: above.text });
    return;
  }
  const length = Math.min(auditors.longest, Math.ceil(above.length / auditors.count));
  const jobAt = (place: number): PartJob => {
    const from = place * length;
    const below = from === 0 ? first : { commit: above.at(from - 1).oid, head: null };
    const commits = above.part(from, from + length).text;
    return { root, below, genesis: genesis && place === 0, crowded: true, commits };
  };
  let last = first;
  let place = 0;
  for await (const found of auditors.found(Math.ceil(above.length / length), jobAt)) {
    // Its first commit may hold junk, or an entry that is not of this chain: then it is read again from where we are.
    const fits = found !== null && samePlace(found.below, last);
    const part = fits ? found : await partFrom(desk, { ...jobAt(place), below: last, crowded: false });
    yield part;
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
  readonly writers = new Map<string, number[]>();
  readonly findings: Finding[] = [];
  readonly untold: Finding[] = [];
  readonly strays: Stray[] = [];
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
    for (const [key, entries] of part.writers)
      this.writers.set(key, (this.writers.get(key) ?? []).concat(entries));
    for (const one of part.findings) this.findings.push(one);
    for (const one of part.untold) this.untold.push(one);
    for (const one of part.strays) if (!this.#voided.has(one.told)) this.strays.push(one);
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

/** An executor's entry that follows another one is a second history, unless it is a copy of one of ours. */
async function judgeStrays(desk: Desk, joined: Joined, end: Known): Promise<readonly Finding[]> {
  const { strays } = joined;
  const ours = await digestsOf(
    desk,
    joined,
    end,
    strays.map(({ seq }) => seq),
  );
  return strays
    .filter(({ seq, head }) => ours.get(seq) !== head)
    .map(({ seq, head }) => ({
      code: 'E_LED_FORK',
      severity: 'error',
      seq,
      message: `an executor signed two entries ${seq}: ${head} and ${ours.get(seq) ?? 'none'} of this chain`,
    }));
}

/** The ledger must extend what somebody kept elsewhere. */
async function judgeCheckpoint(
  desk: Desk,
  joined: Joined,
  end: Known,
  bytes: Uint8Array,
): Promise<readonly Finding[]> {
  const kept = readCheckpoint(bytes);
  const wrong = (code: string, message: string): Finding[] => [
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
