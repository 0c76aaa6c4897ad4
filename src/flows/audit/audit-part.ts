/**
 * Audit of a stretch of the ledger, from a known entry up. It says what it started from, so that stretches may be
 * read side by side and joined afterwards: where one begins with the very entry that the one below ends with,
 * nothing was left out. What it finds is plain data, which may come from another process.
 */
import { readRequest } from '../../documents/request-file.ts';
import { CommitLog } from '../../model/commit-log.ts';
import type { LedgerEvent } from '../../model/entry.ts';
import type { PolicyEvent } from '../../rules/events/policy.ts';
import { expected, handledLater, PamError } from '../../model/error.ts';
import { readable } from '../../model/git.ts';
import { type Fingerprint, isRequestId, type Oid, requestPath, type Sha256 } from '../../model/names.ts';
import type { Witnesses } from '../../model/statement.ts';
import { auditEntry, type Finding, type Written } from '../../rules/audit-entry.ts';
import type { AuditFacts, TypedStatement } from '../../rules/events/event-kind.ts';
import { kindOf } from '../../rules/events/registry.ts';
import { tellEntry } from '../../rules/tell-entry.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { sha256 } from '../../trust/digest.ts';
import { EntryDigests } from '../../trust/entry-digests.ts';
import { namedPoint } from '../../trust/statement-text.ts';
import { verifySigned, verifySignedAside } from '../../trust/verify-statement.ts';
import type { Desk } from '../desk.ts';
import { ENTRY_MAX_BYTES, executorKeys } from '../ledger/walk/ledger-junk.ts';
import type { Newer } from '../ledger/walk/newer-version.ts';
import type { JunkAt, PartFound, PartJob, Point } from './ledger-part.ts';
import { stateAt } from '../ledger/walk/state-at.ts';
import { type Step, walkLedger } from '../ledger/walk/walk-ledger.ts';
import { entriesBelow, type Known } from '../ledger/walk/witness.ts';

/** @returns `null` where no entry with its state stands where it should start */
export async function auditPart(desk: Desk, job: PartJob): Promise<PartFound | null> {
  const start = await startOf(desk, job);
  if (start === undefined) return null;
  const { state, commit } = start;
  const tally = new Tally(job.genesis ? state.seq : state.seq + 1);
  const below = digestsBelow(desk, start);
  const witnesses: Witnesses = { get: (seq) => tally.digests.get(seq) ?? below.found.get(seq) };
  const findings: Finding[] = [];
  const otherMessages: Finding[] = [];
  const junk: JunkAt[] = [];
  let newer: Newer | null = null;
  const executors = new Set(executorKeys(state.policy));
  const voided = new Set<string>();
  let last = start;
  if (job.genesis) tally.add(state, commit);

  const judgeStep = ({ before, after, commit: { oid } }: Step): void => {
    if (before !== null) findings.push(...auditEntry(factsOf(desk, before, after, witnesses)));
    tally.add(after, oid);
  };
  const judgeMessagesSoFar = async (): Promise<void> =>
    void otherMessages.push(...(await judgeMessages(desk, tally.messages)));

  const line: { readonly ready: Promise<unknown>; readonly judge: () => void }[] = [];
  const judgeFirst = async (): Promise<void> => {
    const first = line.shift();
    await first?.ready;
    first?.judge();
  };
  const commits = new CommitLog(job.commits);
  for await (const walked of walkLedger(desk.repository, desk.providers, commits, state, {
    voided,
    singleCore: job.singleCore,
    settled: job.settled,
  })) {
    if (walked.kind === 'junk') {
      junk.push({ ...walked.junk, seq: last.state.seq + 1 });
      continue;
    }
    if (walked.kind === 'newer') {
      ({ newer } = walked);
      break;
    }
    const { step } = walked;
    if (step.after.policy !== last.state.policy)
      for (const key of executorKeys(step.after.policy)) executors.add(key);
    last = { state: step.after, commit: step.commit.oid };
    desk.progress(`verified entry ${step.after.seq}`);
    const ready = Promise.all([
      job.singleCore ? undefined : checkStatements(step),
      below.reach(pointsOf(step)),
    ]);
    handledLater(ready);
    line.push({ ready, judge: () => judgeStep(step) });
    if (line.length > LONGEST_LINE) await judgeFirst();
    if (tally.messages.size >= MOST_MESSAGES) await judgeMessagesSoFar();
  }
  while (line.length > 0) await judgeFirst();
  await judgeMessagesSoFar();
  return {
    ...tally.counts,
    below: pointOf(start),
    last: pointOf(last),
    byExecutor: tally.byExecutor,
    writers: tally.writers,
    findings,
    otherMessages,
    junk,
    newer,
    executors: [...executors],
    voided,
    digests: tally.digests.bytes,
  };
}

const pointOf = ({ commit, state: { seq, head } }: Known): Point => ({ commit, seq, head });

async function startOf(desk: Desk, { root, below }: PartJob): Promise<Known | undefined> {
  const { commit } = below;
  try {
    const head = below.head ?? (await headAt(desk, commit));
    const state =
      head === undefined ? undefined : await stateAt(desk.repository, desk.providers, commit, { root, head });
    return state === undefined ? undefined : { state, commit };
  } catch (error) {
    // What stands there is a stranger's, perhaps; that git does not answer is something else.
    if (error instanceof PamError && (JUNK.has(error.code) || !/^E_(?:GIT|RUN)/u.test(error.code)))
      return undefined;
    throw error;
  }
}

const JUNK: ReadonlySet<string> = new Set(['E_GIT_SIZE', 'E_GIT_UNREADABLE']);

async function headAt(desk: Desk, commit: Oid): Promise<Sha256 | undefined> {
  const [bytes] = await desk.repository.read([{ treeish: commit, path: 'entry.json' }], ENTRY_MAX_BYTES);
  return bytes === undefined ? undefined : sha256(readable(bytes, 'entry.json'));
}

/** What was counted, and what is remembered of each entry. */
class Tally {
  readonly counts = { entries: 0, grants: 0, revocations: 0, policies: 0, signedByPeople: 0 };
  readonly byExecutor: Record<string, number> = {};
  readonly writers = new Map<string, Writing>();
  readonly messages = new Map<Oid, { readonly seq: number; readonly message: string }>();
  readonly digests: EntryDigests;

  constructor(first: number) {
    this.digests = new EntryDigests(first);
  }

  add({ entry, key, head }: ChainState, commit: Oid): void {
    const { counts, byExecutor } = this;
    counts.entries += 1;
    byExecutor[entry.executor] = (byExecutor[entry.executor] ?? 0) + 1;
    this.#wroteBy(key).entries.push({ seq: entry.seq, at: entry.at });
    for (const event of entry.events) {
      const { counted } = kindOf(event);
      if (counted !== undefined) counts[counted] += 1;
      if (event.type === 'policy') {
        for (const signer of signersOf(event))
          this.#wroteBy(signer).policies.push({ seq: event.seq, at: entry.at });
      }
      counts.signedByPeople += statementsOf(event).length;
    }
    this.messages.set(commit, { seq: entry.seq, message: tellEntry(entry) });
    this.digests.add(entry.seq, head);
  }

  #wroteBy(key: Fingerprint): Writing {
    const known = this.writers.get(key) ?? { entries: [], policies: [] };
    this.writers.set(key, known);
    return known;
  }
}

interface Writing {
  readonly entries: Written[];
  readonly policies: Written[];
}

/** Keys of the statements that came with a policy; one that is not good counted for nothing. */
function signersOf(event: PolicyEvent): ReadonlySet<Fingerprint> {
  const keys = new Set<Fingerprint>();
  for (const one of statementsOf(event)) {
    try {
      keys.add(verifySigned(one.type, one).key.fingerprint);
    } catch (error) {
      expected(error);
    }
  }
  return keys;
}

/** Entries below the start are looked up when an approval names one, each once. */
function digestsBelow(
  desk: Desk,
  start: Known,
): {
  readonly found: ReadonlyMap<number, Sha256>;
  readonly reach: (seqs: readonly number[]) => Promise<void>;
} {
  const found = new Map([[start.state.seq, start.state.head]]);
  const entries = entriesBelow(desk, start);
  let least = start.state.seq;
  return {
    found,
    reach: async (seqs) => {
      const wanted = Math.min(least, ...seqs);
      while (wanted < least) {
        const next = await entries.next();
        if (next.done === true) return;
        const { entry, head } = next.value;
        found.set(entry.seq, head);
        least = Math.min(least, entry.seq);
      }
    },
  };
}

/** The numbers of entries that its statements name. */
function pointsOf({ after }: Step): readonly number[] {
  const statements = after.entry.events.flatMap(statementsOf);
  return statements.flatMap(({ type, text }) => namedPoint(text, type)?.seq ?? []);
}

/** The commit message is the story that `git log` tells; it has to be the entry's. Forgets what it has judged. */
async function judgeMessages(desk: Desk, tallied: Tally['messages']): Promise<readonly Finding[]> {
  const written = await desk.repository.messages([...tallied.keys()]);
  const other = [...tallied].filter(([commit, { message }]) => written.get(commit) !== message);
  tallied.clear();
  return other.map(([, { seq }]) => ({
    code: 'W_LED_MESSAGE',
    severity: 'warning',
    seq,
    message: 'the commit message tells another story than the entry',
  }));
}

function factsOf(desk: Desk, before: ChainState, after: ChainState, witnesses: Witnesses): AuditFacts {
  const read: AuditFacts['readRequest'] = (text, id) => {
    if (!isRequestId(id)) throw new PamError('E_LED_SHAPE', 'that is no request id');
    return readRequest(Buffer.from(text), requestPath(id));
  };
  return { before, after, providers: desk.providers, readRequest: read, witnesses };
}

/** Steps whose statements are being checked on other cores before their turn comes to be judged. */
const LONGEST_LINE = 32;

/** Messages that are held until git is asked what it has for them: so many at a time. */
const MOST_MESSAGES = 2048;

/** Whatever is wrong with one is told when it is judged. */
async function checkStatements({ after }: Step): Promise<unknown> {
  const { events } = after.entry;
  return await Promise.allSettled(
    events.flatMap(statementsOf).map(async (one) => await verifySignedAside(one.type, one)),
  );
}

/** Statements by people that came with this event. */
const statementsOf = (event: LedgerEvent): readonly TypedStatement[] =>
  kindOf(event).statements?.(event) ?? [];
