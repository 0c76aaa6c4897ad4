/**
 * What every mutant starts from: a ledger with a request at each stage of its life, and all that honest people ever
 * signed on it. The attackers hold the keys of dana (who may ask and not approve), of a service, of a stranger, of
 * one admin of the two that policy needs, of the sweeper and of the granting executor. They can never make an honest
 * signature, so nothing may be believed of honest people but these very texts.
 */
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import type { ScheduledEvent } from '../../src/rules/events/scheduled.ts';
import { type Instant, parseDuration, plus, secondsOf } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { OpenRecord } from '../../src/model/open-record.ts';
import type { Request } from '../../src/model/request.ts';
import type { Signed } from '../../src/model/statement.ts';
import { sha256 } from '../../src/trust/digest.ts';
import {
  approve,
  ask,
  type Asked,
  at,
  fingerprintOf,
  grantLive,
  intentOf,
  keyNamed,
  Ledger,
  policyOf,
  readyNow,
  requestId,
  scheduledEvent,
  seenEvent,
  snapshot,
  stop,
  TEXTS,
  textsWith,
} from '../support/world.ts';
import type { Pool } from './mutate-text.ts';

export const NOW = at('12:10');
export const ATTACKERS = ['dana', 'deploy-bot', 'thief', 'grace', 'pam-sweep', 'pam-apply'] as const;
export type Attacker = (typeof ATTACKERS)[number];
export const isAttacker = (name: string): boolean => ATTACKERS.some((one) => one === name);

const id = (role: string, tail: string): RequestId => requestId(`20261122-${role}-${tail}`);
const duration = (text: string) => parseDuration(text) ?? at(text);

function begin() {
  const ledger = new Ledger();
  const honest: Signed[] = [];
  const { root } = ledger.state;
  const approved = (asked: Asked, signer: string, when: Instant): Signed => {
    const signed = approve(ledger, asked, signer, { at: when });
    honest.push(signed);
    return signed;
  };
  const seen = (fields: Partial<Request>, when: Instant): Asked => {
    const asked = ask(fields, { root, at: when });
    ledger.append([seenEvent(asked)], when);
    return asked;
  };
  const live = (fields: Partial<Request>, when: Instant): Asked => {
    const asked = grantLive(ledger, fields, 'bob', when);
    // Ed25519 says the same twice: this is the approval that `grantLive` made and forgot.
    const point = ledger.entries[ledger.state.seq - 2]?.after;
    if (point === undefined) throw new TypeError('no entry to name');
    honest.push(approve(ledger, asked, 'bob', { at: when, ledger: { seq: point.seq, head: point.head } }));
    return asked;
  };
  const hours = (text: string) => ({ duration: duration(text) as Request['duration'] });
  const overdue = live({ id: id('dba', 'overdu') }, at('08:30'));
  const ended = live({ id: id('dba', 'ended0'), ...hours('30m') }, at('08:40'));
  ledger.append([{ type: 'revoked', id: ended.id, kept_for: {}, usage: null }], at('09:15'), {
    executor: 'pam-sweep',
  });
  const running = live({ id: id('dba', 'living'), ...hours('2h') }, at('11:30'));
  const later = seen({ id: id('dba', 'waited'), start: at('13:00') }, at('11:50'));
  const fits = snapshot(ledger, later, { approvals: [approved(later, 'alice', at('11:55'))] });
  ledger.append([scheduledEvent(fits, at('11:56'))], at('11:56'));
  const due = seen({ id: id('dba', 'asking') }, at('12:00'));
  const hers = seen({ id: id('dba', 'erin00'), requester: 'erin', subject: 'erin' }, at('12:01'));
  const half = seen({ id: id('operator', 'halved'), role: 'operator', ...hours('1h') }, at('12:02'));
  const both = seen({ id: id('operator', 'wanted'), role: 'operator', ...hours('1h') }, at('12:02'));
  const planned = seen({ id: id('dba', 'planed'), start: at('14:00') }, at('12:02'));
  const unwanted = seen({ id: id('reader', 'unwant'), role: 'reader' }, at('12:03'));
  const approvals = new Map<RequestId, readonly Signed[]>([
    [due.id, [approved(due, 'bob', at('12:05'))]],
    [hers.id, [approved(hers, 'alice', at('12:05'))]],
    [half.id, [approved(half, 'bob', at('12:05'))]],
    [both.id, [approved(both, 'alice', at('12:05')), approved(both, 'carol', at('12:06'))]],
    [planned.id, [approved(planned, 'alice', at('12:05'))]],
  ]);
  const stops = new Map([
    [unwanted.id, stop(ledger, unwanted.id, 'alice')],
    [running.id, stop(ledger, running.id, 'bob')],
  ]);
  honest.push(...stops.values());
  // For another login than the others': nothing begins while an intent for the same access has no outcome.
  const begun = seen(
    { id: id('dba', 'intent'), requester: 'deploy-bot', subject: 'deploy-bot' },
    at('12:07'),
  );
  const intended = snapshot(ledger, begun, { approvals: [approved(begun, 'alice', at('12:07'))] });
  ledger.append([intentOf(ledger, readyNow(intended, at('12:08')), at('12:08'))], at('12:08'));

  const next = policyOf(textsWith('policy/roles.yaml', 'max_duration: 2h', 'max_duration: 3h', TEXTS));
  const ratified = ledger.policyStatements(next, at('12:04'), ['alice', 'bob']);
  honest.push(...ratified);
  const asked = { overdue, ended, running, later, due, hers, half, both, planned, unwanted, begun };
  return { ledger, asked, approvals, stops, next, ratified, honest };
}

export const WORLD = begin();
export type AttackWorld = typeof WORLD;

/** Everything that honest people signed, and nothing else that anybody may ever believe of them. */
export const HONEST: ReadonlySet<string> = new Set(WORLD.honest.map(({ text }) => text));

const WORDS = `dana alice bob carol erin frank grace deploy-bot pam-apply pam-sweep thief druiz
  dba reader operator orders-db bastion billing shipping connect @leads * grant revoke named fallback
  role:billing_owner role:shipping_owner principal:root incident found INC-1
  45m 46m 2h 8h 30m 7d 1`.split(/\s+/u);
const TIMES = ['08:00', '11:00', '12:00', '12:09', '12:10', '12:12', '12:55', '13:00', '23:59'];
const SIGNERS = ['alice', 'bob', 'dana', 'thief', 'pam-apply', 'pam-sweep'];

/** Values that attackers know from this very world. */
export const POOL: Pool = [
  WORLD.ledger.state.head,
  WORLD.ledger.state.root,
  WORLD.ledger.policy.digest,
  WORLD.next.policy.digest,
  ...WORDS,
  ...TIMES.map(at),
  ...Object.values(WORLD.asked).flatMap((one) => [one.id, one.requestSha256, one.signatureSha256]),
  ...SIGNERS.flatMap((name) => [fingerprintOf(name), keyNamed(name).line]),
];

/** What one honest approval says, read without any code of the product. */
function said(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, string[]>();
  for (const line of text.split('\n').filter(Boolean)) {
    const cut = line.indexOf(': ');
    const key = line.slice(0, cut);
    lines.set(key, [...(lines.get(key) ?? []), line.slice(cut + 2)]);
  }
  return lines;
}

const NEEDED: Readonly<Record<string, number>> = { dba: 1, reader: 1, operator: 2 };

/**
 * Is this grant no more than honest people signed for? Counts their texts in its evidence that say exactly this
 * grant of exactly these bytes, and compares its end.
 */
export function isCovered(
  event: Pick<GrantingEvent | ScheduledEvent, 'id' | 'grant' | 'evidence'>,
  now: Instant,
  record: OpenRecord | undefined,
  needed = NEEDED[event.grant.role] ?? Number.POSITIVE_INFINITY,
): boolean {
  const { grant, evidence } = event;
  const wanted = new Map<string, readonly string[]>([
    ['type', ['approval']],
    ['root', [WORLD.ledger.state.root]],
    ['request', [event.id]],
    ['request-sha256', [sha256(evidence.request)]],
    ['subject', [grant.subject]],
    ['target', [grant.target]],
    ['login', [grant.login]],
    ['permission', [...grant.permissions].sort().map((one) => JSON.stringify(one))],
    ['duration', [grant.duration]],
    ['start', [grant.start ?? '-']],
  ]);
  const texts = evidence.approvals.map(({ text }) => text).filter((text) => HONEST.has(text));
  const exact = texts.map(said).filter((lines) => {
    return [...wanted].every(([key, values]) => JSON.stringify(lines.get(key)) === JSON.stringify(values));
  });
  const signers = new Set(exact.flatMap((lines) => lines.get('signer') ?? []));
  const recorded = record?.grant ?? null;
  const latest = plus(grant.start ?? now, secondsOf(grant.duration));
  const ends = recorded === null ? grant.end <= latest : grant.end === recorded.end;
  return ends && signers.size >= needed && !signers.has(grant.subject);
}
