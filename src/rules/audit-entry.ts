/**
 * Audit decides again. An entry can be validly signed and still grant one minute, one permission or one person
 * more than its evidence allows: what each event is asked beyond the chain stands with it (`events/`).
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { LedgerEvent } from '../model/entry.ts';
import { expected } from '../model/error.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { CLOCK_TOLERANCE_SECONDS, compromisedSince } from '../trust/keyring.ts';
import { oddArmors } from './audit-armor.ts';
import type { AuditFacts, Records, Severity } from './events/event-kind.ts';
import { kindOf } from './events/registry.ts';
import { recordsBefore } from './fold-index.ts';
import { contextOf } from './follow-chain.ts';
import { compromisedBelow } from './grant-keys.ts';
import { lateSweep } from './judge-sweep.ts';
import { unbuiltInForce } from './unbuilt.ts';

export interface Finding {
  readonly code: ErrorCode;
  readonly severity: Severity;
  readonly seq: number;
  readonly message: string;
}

export function auditEntry(facts: AuditFacts): readonly Finding[] {
  const { before, after } = facts;
  const { entry } = after;
  const findings: Finding[] = [];
  const tell = (severity: Severity, code: ErrorCode, message: string): void => {
    findings.push({ code, severity, seq: entry.seq, message });
  };
  if (entry.at < before.entry.at) {
    tell('warning', 'E_LED_TIME', `dated ${entry.at}, before the entry that it follows (${before.entry.at})`);
  }
  const context = contextOf(before, entry, after.key);
  for (const [event, records] of recordsBefore(before.index.records, entry.events, context)) {
    for (const { severity, code, message } of oddArmors(event)) tell(severity, code, message);
    try {
      judgeAgain(facts, event, records);
      kindOf(event).audit?.(facts, event, records, tell);
    } catch (cause) {
      const error = expected(cause);
      tell('error', error.code, `${event.type} of ${event.id}: ${error.message}`);
    }
  }
  return findings;
}

/** What the chain judges of one event, once more. Throws. */
function judgeAgain({ before, after }: AuditFacts, event: LedgerEvent, records: Records): void {
  const { id } = event;
  if (id === '-') return;
  const [old, now] = [before.index.records, records].map((some) => some.get(id));
  kindOf(event).follows?.({ state: before, at: after.entry.at, before: old, now }, event);
}

/** What is wrong at the end of the walk: access overdue, clocks, keys that policy calls compromised. */
export function auditEnd(
  state: ChainState,
  now: Instant,
  writers: ReadonlyMap<string, Wrote>,
): readonly Finding[] {
  const findings: Finding[] = [];
  const { seq } = state;
  for (const { id, state: at, grant, ending } of state.index.records.values()) {
    if (grant === null || (at !== 'granting' && at !== 'live' && at !== 'ending')) continue;
    const bad = at === 'ending' ? undefined : compromisedBelow(state.policy, grant);
    if (bad !== undefined) {
      const message = `${id} is ${at} and rests on the key ${bad}, compromised before it was recorded; no sweep ended it`;
      findings.push({ code: 'W_KEY_COMPROMISED', severity: 'warning', seq, message });
    }
    if (grant.end <= now) {
      const message = `${id}: ${grant.permissions.join(', ')} of ${grant.login} on ${grant.target} should have ended at ${grant.end}`;
      findings.push({ code: 'E_LED_OVERDUE', severity: 'error', seq, message });
    } else if (at === 'ending') {
      const message = `${id} is to end (${ending?.because ?? ''}) and is not confirmed gone`;
      findings.push({ code: 'W_ENDING', severity: 'warning', seq, message });
    }
  }
  const late = lateSweep(state, now);
  if (late !== undefined) findings.push({ code: 'W_SWEEP_LATE', severity: 'warning', seq, message: late });
  // An earlier build believed that policy, and so does the chain; its reader should know what it does not do.
  for (const message of unbuiltInForce(state.policy))
    findings.push({ code: 'W_POL_UNBUILT', severity: 'warning', seq, message });
  if (state.entry.at > plus(now, CLOCK_TOLERANCE_SECONDS)) {
    findings.push({
      code: 'E_LED_TIME',
      severity: 'warning',
      seq,
      message: `the newest entry is dated ${state.entry.at}, ahead of this clock`,
    });
  }
  return [...findings, ...auditCompromised(state, writers)];
}

/** What a key signed on the ledger. */
export interface Wrote {
  /** Numbers of entries, and when each was recorded. */
  readonly entries: readonly Written[];
  /** Policy versions with a statement of this key. */
  readonly policies: readonly Written[];
}

export interface Written {
  readonly seq: number;
  readonly at: Instant;
}

/** Nothing rewrites the chain, so what a compromised key signed since then is told for ever, by its record's time. */
function auditCompromised(state: ChainState, writers: ReadonlyMap<string, Wrote>): readonly Finding[] {
  const { seq, policy } = state;
  const tell = (message: string): Finding => ({
    code: 'W_KEY_COMPROMISED',
    severity: 'warning',
    seq,
    message,
  });
  return [...new Set(policy.revoked_keys.map(({ fingerprint }) => fingerprint))].flatMap((key) => {
    const since = compromisedSince(policy, key);
    const wrote = writers.get(key);
    if (since === undefined || wrote === undefined) return [];
    const listed = (all: readonly Written[]): string =>
      all.flatMap((one) => (one.at >= since ? [one.seq] : [])).join(', ');
    const [entries, policies] = [listed(wrote.entries), listed(wrote.policies)];
    const told = `signed with ${key}, which policy calls compromised since ${since}`;
    return [
      ...(entries === '' ? [] : [tell(`entries ${entries} were ${told}`)]),
      ...(policies === '' ? [] : [tell(`policy versions ${policies} were ${told}`)]),
    ];
  });
}
