/**
 * Audit decides again. An entry can be validly signed and still grant one minute, one permission or one person
 * more than its evidence allows: here every recorded grant is rebuilt from that evidence, with the policy and the
 * index of that moment, by the same `decide`, and compared with what was written.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type {
  GrantedEvent,
  GrantingEvent,
  GrantTerms,
  LedgerEvent,
  ScheduledEvent,
  SeenEvent,
} from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { OpenIndex, OpenRecord } from '../model/open-record.ts';
import type { Witnesses } from '../model/statement.ts';
import type { Request } from '../model/request.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { joinSigned } from '../trust/armor.ts';
import { sha256 } from '../trust/digest.ts';
import { CLOCK_TOLERANCE_SECONDS, compromisedSince } from '../trust/keyring.ts';
import { oddArmors } from './audit-armor.ts';
import { faultsOfKept } from './audit-kept.ts';
import { decide, type Snapshot } from './decide.ts';
import { roleOf } from './exact-grant.ts';
import { recordsBefore } from './fold-index.ts';
import { contextOf } from './follow-chain.ts';
import { compromisedBelow } from './grant-keys.ts';
import { judgeNewPolicy } from './judge-new-policy.ts';
import { needEntitledStop } from './judge-stop.ts';
import { lateSweep } from './judge-sweep.ts';
import { faultOfOpening, openBeside } from './open-requests.ts';
import { termsOf } from './grant-terms.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { sameJson } from './same-json.ts';
import { stopperKeysOf } from './see-request.ts';
import { unbuiltInForce } from './unbuilt.ts';

export type Severity = 'error' | 'warning' | 'note';

export interface Finding {
  readonly code: ErrorCode;
  readonly severity: Severity;
  readonly seq: number;
  readonly message: string;
}

export interface AuditFacts {
  readonly before: ChainState;
  readonly after: ChainState;
  readonly providers: ReadonlyMap<string, ProviderFacts>;
  readonly readRequest: (bytes: string, id: string) => Request;
  /** Digests of all entries before this one. */
  readonly witnesses: Witnesses;
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
      auditEvent(facts, event, records, tell);
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      tell('error', error.code, `${event.type} of ${event.id}: ${error.message}`);
    }
  }
  return findings;
}

/** As they were when the event was written. */
type Records = OpenIndex['records'];
type Tell = (severity: Severity, code: ErrorCode, message: string) => void;

function auditEvent(facts: AuditFacts, event: LedgerEvent, records: Records, tell: Tell): void {
  switch (event.type) {
    case 'granting':
    case 'scheduled': {
      const record = records.get(event.id) ?? null;
      auditGrant(facts, event, record, tell);
      return;
    }
    case 'stopped':
      // The chain asks the same: an entry that was followed has passed it already.
      needEntitledStop(
        facts.before,
        event,
        [facts.before.index.records.get(event.id), records.get(event.id)],
        facts.after.entry.at,
      );
      return;
    case 'granted':
      auditReceipt(facts, event, records.get(event.id) ?? null, tell);
      return;
    case 'seen':
      auditSeen(facts, event, records, tell);
      return;
    case 'policy':
      for (const { code, path, message } of judgeNewPolicy(facts.after.policy))
        tell('warning', code, `policy ${event.seq}, ${path}: ${message}`);
      return;
    case 'revoked':
      for (const { severity, message } of faultsOfKept(event, records, facts.providers))
        tell(severity, 'E_LED_KEPT', message);
      return;
    case 'ending':
    case 'genesis':
    case 'refused':
    case 'failed':
    case 'revoke_failed':
    case 'heartbeat':
      return;
  }
}

function auditSeen({ before: { policy } }: AuditFacts, event: SeenEvent, records: Records, tell: Tell): void {
  const { id, requester, stopper_keys: keys } = event;
  if (keys !== undefined && !sameJson(keys, stopperKeysOf(policy, event))) {
    tell('error', 'E_LED_SEEN', `who may stop ${id}, and with which keys, is not what policy said`);
  }
  // It gives nobody access; it only says that an executor let somebody's requests crowd out the others'.
  const beside = openBeside({ records }, { id, requester });
  if (faultOfOpening(policy, requester, beside) === undefined) return;
  const most = policy.config.open_requests;
  tell(
    'warning',
    'E_POL_LIMIT',
    `${id} was seen although ${requester} had ${beside} undecided requests of ${most}`,
  );
}

/** Where the receipt is the access itself, it must not say more than the terms that were approved. */
function auditReceipt(
  { providers }: AuditFacts,
  { id, receipt }: GrantedEvent,
  record: OpenRecord | null,
  tell: Tell,
): void {
  const grant = record?.grant ?? null;
  if (grant?.granting == null) return;
  const { subject, login, permissions, login_key: loginKey, end: until, granting, config, provider } = grant;
  const order = { id, subject, login, permissions, loginKey, until, receipt };
  const { at: from, handle } = granting;
  const fault = providers.get(provider)?.faultOfReceipt?.(config, { ...order, from, handle });
  if (fault !== undefined) tell('error', 'E_LED_RECEIPT', `what ${id} was given is not its terms: ${fault}`);
}

function auditGrant(
  facts: AuditFacts,
  event: GrantingEvent | ScheduledEvent,
  record: OpenRecord | null,
  tell: Tell,
): void {
  const { before, after } = facts;
  const now = after.entry.at;
  const request = facts.readRequest(event.evidence.request, event.id);
  const seen = record?.seen ?? null;
  if (seen !== null && !sameRequest(seen, request)) {
    tell('error', 'E_LED_SEEN', `what was seen of ${event.id} is not what its request says`);
  }
  // Builds before `stopper_keys` compared neither statement nor times: their entries stand, and audit says what it finds.
  const untimed = seen?.stopper_keys === undefined;
  if (seen !== null && sha256(joinSigned(event.evidence.statement)) !== seen.signature_sha256) {
    const message = `${event.id} rests on another statement of its requester than the one that was seen`;
    tell(untimed ? 'warning' : 'error', 'E_LED_SEEN', message);
  }
  const snapshot: Snapshot = {
    root: before.root,
    policy: before.policy,
    providers: facts.providers,
    id: event.id,
    request,
    requestText: event.evidence.request,
    requestSha256: sha256(event.evidence.request),
    signatureSha256: seen?.signature_sha256 ?? sha256(''),
    statement: event.evidence.statement,
    record,
    beside: null,
    // Merged, incident open, nothing else halting: the executor's word, and audit says so.
    merged: true,
    incident: request.incident === undefined ? null : { state: 'open' },
    evidenceOnly: false,
    halts: [],
    remarks: [],
    approvals: event.evidence.approvals,
    stops: [],
    witnesses: facts.witnesses,
    untimed,
  };
  const decision = decide(snapshot, now);
  if (decision.verdict !== 'approved') {
    const failing = decision.reasons
      .filter((one) => !one.ok)
      .map(({ code, message }) => `${message} [${code}]`);
    tell('error', 'E_LED_GRANT', `${event.id} was granted although: ${failing.join('; ')}`);
    return;
  }
  if (untimed) auditTimes(snapshot, now, tell);
  const allowed = termsOf(snapshot, decision, now);
  for (const [key, told] of differences(event.grant, allowed)) {
    tell(
      'error',
      'E_LED_GRANT',
      `${event.id}: ${key} is ${told.written}, the evidence allows ${told.allowed}`,
    );
  }
  if (event.type === 'granting' && event.preexisting.length > 0) {
    const allowedToPreexist = roleOf(before.policy, request.role)?.may_preexist === true;
    const stray = event.preexisting.filter((one) => !event.grant.permissions.includes(one));
    if (!allowedToPreexist || stray.length > 0) {
      tell(
        'error',
        'E_LED_STANDING',
        `${event.id} was built on standing access that its role does not allow`,
      );
    }
    tell('note', 'W_STANDING', `${event.grant.login} had ${event.preexisting.join(', ')} before ${event.id}`);
  }
}

/** An earlier build counted approvals that are older than the request or than `decide_within`. */
function auditTimes(snapshot: Snapshot, now: Instant, tell: Tell): void {
  const { verdict, reasons } = decide({ ...snapshot, untimed: false }, now);
  if (verdict === 'approved') return;
  const old = reasons.filter(({ ok, code }) => !ok && code === 'E_APR_TIME').map(({ message }) => message);
  tell('warning', 'E_APR_TIME', `${snapshot.id} was granted although: ${old.join('; ')}`);
}

function sameRequest(seen: Pick<SeenEvent, 'requester' | 'subject' | 'role'>, request: Request): boolean {
  return (
    seen.requester === request.requester && seen.subject === request.subject && seen.role === request.role
  );
}

function differences(
  written: GrantTerms,
  allowed: GrantTerms | undefined,
): readonly (readonly [string, { readonly written: string; readonly allowed: string }])[] {
  const keys = new Set([...Object.keys(written), ...Object.keys(allowed ?? {})]);
  return [...keys].flatMap((key) => {
    const name = key as keyof GrantTerms;
    const a = JSON.stringify(written[name]);
    const b = JSON.stringify(allowed?.[name]) ?? 'nothing';
    return a === b ? [] : [[key, { written: a, allowed: b }] as const];
  });
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
