/** Audit: walk everything, decide everything again, write nothing. */
import { readCheckpoint } from '../documents/checkpoint-file.ts';
import { readRequest } from '../documents/request-file.ts';
import type { LedgerEvent } from '../model/entry.ts';
import {
  type LedgerPoint,
  NAMESPACES,
  type Signed,
  type StatementType,
  type Witnesses,
} from '../model/statement.ts';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import { isRequestId, type Oid, requestPath, type Sha256 } from '../model/names.ts';
import { mayBeLive } from '../model/open-record.ts';
import { type AuditFacts, auditEnd, auditEntry, type Finding } from '../rules/audit-entry.ts';
import { lastSweepOf } from '../rules/judge-sweep.ts';
import { tellEntry } from '../rules/tell-entry.ts';

import { EntryDigests } from '../trust/entry-digests.ts';
import { verifySshsigAside } from '../trust/sshsig.ts';
import type { Desk } from './desk.ts';

import type { Junk, Step } from './walk-ledger.ts';
import { walkWhole } from './walk-whole.ts';

export interface Totals {
  readonly entries: number;
  readonly grants: number;
  readonly revocations: number;
  readonly live: number;
  readonly policies: number;
  /** Statements by people, and entries by executor key: whose word each thing is. */
  readonly signedByPeople: number;
  readonly byExecutor: Readonly<Record<string, number>>;
}

export interface Audited {
  readonly ok: boolean;
  readonly root: Sha256;
  readonly pinned: boolean;
  readonly seq: number;
  readonly head: Sha256;
  readonly at: Instant;
  readonly lastSweep: Instant | null;
  readonly findings: readonly Finding[];
  readonly totals: Totals;
}

export async function audit(desk: Desk, checkpoint: Uint8Array | undefined): Promise<Audited> {
  const findings: Finding[] = [];
  const witnesses = new EntryDigests();
  const strays: LedgerPoint[] = [];
  const writers = new Map<string, number[]>();
  const counts = { entries: 0, grants: 0, revocations: 0, policies: 0, signedByPeople: 0 };
  const byExecutor: Record<string, number> = {};
  const told = new Map<Oid, { readonly seq: number; readonly message: string }>();
  const untold: Finding[] = [];
  const judgeTold = async (): Promise<void> => {
    untold.push(...(await judgeMessages(desk, told)));
    told.clear();
  };
  const judgeStep = ({ before, after, commit }: Step): void => {
    const { entry } = after;
    counts.entries++;
    byExecutor[entry.executor] = (byExecutor[entry.executor] ?? 0) + 1;
    const written = writers.get(after.key);
    if (written === undefined) writers.set(after.key, [entry.seq]);
    else written.push(entry.seq);
    for (const event of entry.events) {
      if (event.type === 'granting') counts.grants++;
      if (event.type === 'revoked') counts.revocations++;
      if (event.type === 'policy') counts.policies++;
      counts.signedByPeople += statementsOf(event).length;
    }
    told.set(commit.oid, { seq: entry.seq, message: tellEntry(entry) });
    if (before !== null) findings.push(...auditEntry(factsOf(desk, before, after, witnesses)));
    witnesses.add(entry.seq, after.head);
  };
  const judgeJunk = ({ commit, code, message, stray }: Junk, seq: number): void => {
    if (stray !== null) strays.push(stray);
    findings.push({
      code: code === 'E_LED_SHAPE' ? 'E_LED_JUNK' : code,
      severity: 'error',
      seq,
      message: `commit ${commit.slice(0, 12)} was stepped over where entry ${seq} would stand: ${message}`,
    });
  };
  const line: { readonly ready: Promise<unknown>; readonly judge: () => void }[] = [];
  const judgeFirst = async (): Promise<void> => {
    const first = line.shift();
    await first?.ready;
    first?.judge();
  };
  const whole = await walkWhole(desk, {
    step: async (step) => {
      line.push({ ready: checkStatements(step), judge: () => judgeStep(step) });
      if (line.length > LONGEST_LINE) await judgeFirst();
      if (told.size >= MOST_TOLD) await judgeTold();
    },
    junk: (junk, newest) => {
      const seq = (newest?.after.seq ?? -1) + 1;
      line.push({ ready: Promise.resolve(), judge: () => judgeJunk(junk, seq) });
    },
  });
  while (line.length > 0) await judgeFirst();
  const { after } = whole.last;
  for (const { seq, head } of strays) {
    if (witnesses.get(seq) === head) continue;
    const message = `an executor signed two entries ${seq}: ${head} and ${witnesses.get(seq) ?? 'none'} of this chain`;
    findings.push({ code: 'E_LED_FORK', severity: 'error', seq, message });
  }
  await judgeTold();
  findings.push(...untold);
  findings.push(...auditEnd(after, desk.clock(), writers));
  if (checkpoint !== undefined) findings.push(...judgeCheckpoint(checkpoint, whole.root, witnesses));
  if (!whole.pinned) {
    const message = `UNPINNED: ${whole.root} was only found here; compare it with the root that your team wrote down, and give --root`;
    findings.push({ code: 'E_LED_UNPINNED', severity: 'error', seq: 0, message });
  }
  const live = [...after.index.records.values()].filter(mayBeLive).length;
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    root: whole.root,
    pinned: whole.pinned,
    seq: after.seq,
    head: after.head,
    at: after.entry.at,
    lastSweep: lastSweepOf(after),
    findings,
    totals: { ...counts, live, byExecutor },
  };
}

/** The commit message is the story that `git log` tells; it has to be the entry's. */
async function judgeMessages(
  desk: Desk,
  told: ReadonlyMap<Oid, { readonly seq: number; readonly message: string }>,
): Promise<Finding[]> {
  const written = await desk.repository.messages([...told.keys()]);
  return [...told].flatMap(([commit, { seq, message }]): Finding[] =>
    written.get(commit) === message
      ? []
      : [
          {
            code: 'W_LED_MESSAGE',
            severity: 'warning',
            seq,
            message: 'the commit message tells another story than the entry',
          },
        ],
  );
}

function factsOf(
  desk: Desk,
  before: NonNullable<Step['before']>,
  after: Step['after'],
  witnesses: Witnesses,
): AuditFacts {
  const read: AuditFacts['readRequest'] = (text, id) => {
    if (!isRequestId(id)) throw new PamError('E_LED_SHAPE', 'that is no request id');
    return readRequest(Buffer.from(text), requestPath(id));
  };
  return { before, after, providers: desk.providers, readRequest: read, witnesses };
}

/** Steps whose statements are being checked on other cores before their turn comes to be judged. */
const LONGEST_LINE = 32;

/** Messages that are held until git is asked what it has for them: so many at a time. */
const MOST_TOLD = 2048;

/** Whatever is wrong with one is told when it is judged. */
async function checkStatements({ after }: Step): Promise<unknown> {
  const { events } = after.entry;
  return await Promise.allSettled(
    events.flatMap(statementsOf).map(async ({ type, text, armor }) => {
      await verifySshsigAside({ message: text, armor, namespace: NAMESPACES[type] });
    }),
  );
}

/** Statements by people that came with this event. */
function statementsOf(event: LedgerEvent): readonly (Signed & { readonly type: StatementType })[] {
  if ('evidence' in event) {
    const { statement, approvals } = event.evidence;
    return [
      { ...statement, type: 'request' },
      ...approvals.map((one) => ({ ...one, type: 'approval' as const })),
    ];
  }
  if ('statements' in event) return event.statements.map((one) => ({ ...one, type: 'policy' }));
  return 'statement' in event ? [{ ...event.statement, type: 'stop' }] : [];
}

/** The ledger must extend what somebody kept elsewhere. */
function judgeCheckpoint(bytes: Uint8Array, root: Sha256, witnesses: Witnesses): Finding[] {
  const kept = readCheckpoint(bytes);
  const wrong = (code: string, message: string): Finding[] => [
    { code, severity: 'error', seq: kept.seq, message },
  ];
  if (kept.root !== root) return wrong('E_LED_CHECKPOINT', 'the checkpoint is of another access repository');
  const here = witnesses.get(kept.seq);
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
