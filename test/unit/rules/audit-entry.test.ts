/** An executor with a valid key writes more than its evidence allows: audit finds each of them. */
import { describe, expect, it } from 'vitest';
import { readRequest } from '../../../src/documents/request-file.ts';
import type { GrantTerms } from '../../../src/model/entry.ts';
import type { GrantingEvent } from '../../../src/rules/events/granting.ts';
import { parseDuration, plus } from '../../../src/model/instant.ts';
import { requestPath } from '../../../src/model/names.ts';
import { auditEnd, auditEntry } from '../../../src/rules/audit-entry.ts';
import {
  approve,
  ask,
  at,
  fingerprintOf,
  grantLive,
  intentOf,
  Ledger,
  policyOf,
  providers,
  readyNow,
  REQUEST,
  requestId,
  scheduledEvent,
  seenEvent,
  sign,
  snapshot,
  stop,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

function found(ledger: Ledger, seq = ledger.state.seq): readonly string[] {
  const entry = ledger.entries[seq];
  if (entry?.before == null) throw new TypeError(`no step ${seq}`);
  const witnesses = new Map([...ledger.witnesses].filter(([older]) => older < seq));
  const findings = auditEntry({
    before: entry.before,
    after: entry.after,
    providers,
    readRequest: (bytes, id) => readRequest(Buffer.from(bytes), requestPath(requestId(id))),
    witnesses,
  });
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

const duration = parseDuration('46m') ?? REQUEST.duration;
const later = requestId('20261122-dba-bbbbbb');

/** The honest intent of one request, changed, and written down with the executor's key. */
function granting(change: (honest: GrantingEvent, ledger: Ledger) => GrantingEvent): readonly string[] {
  const ledger = new Ledger();
  const asked = ask({}, { root: ledger.state.root });
  ledger.append([seenEvent(asked)], at('12:00'));
  const of = snapshot(ledger, asked, { approvals: [approve(ledger, asked, 'bob')] });
  const honest = intentOf(ledger, readyNow(of, at('12:10')), at('12:10'));
  ledger.append([change(honest, ledger)], at('12:10'));
  return found(ledger);
}
const terms =
  (change: Partial<GrantTerms>) =>
  (honest: GrantingEvent): GrantingEvent => ({ ...honest, grant: { ...honest.grant, ...change } });

describe('a recorded grant', () => {
  it('as its evidence says: nothing to report', () => expect(granting((one) => one)).toEqual([]));

  it.each<readonly [string, Partial<GrantTerms>]>([
    ['a minute longer', { end: plus(at('12:55'), 60) }],
    ['another permission', { permissions: ['connect', 'role:billing_owner', 'superuser'] }],
    ['another login', { login: 'root' }],
    ['another subject', { subject: 'erin' }],
    ['another target', { target: 'bastion' }],
    ['another system', { config: { plugin: 'other' } }],
    ['another duration', { duration }],
    ['an approver who did not', { approvers: ['alice', 'bob'] }],
    ['no key that it rests on', { keys: [] }],
    ['another login key', { login_key: 'ssh-ed25519 AAAA' }],
  ])('%s', (_, change) => expect(granting(terms(change))).toContain('error E_LED_GRANT'));

  it.each<
    readonly [string, (honest: GrantingEvent, ledger: Ledger) => readonly ReturnType<typeof approve>[]]
  >([
    ['no approval', () => []],
    [
      "the requester's own approval",
      (_, ledger) => [approve(ledger, ask({}, { root: ledger.state.root }), 'dana')],
    ],
    [
      'a forged approval',
      (_, ledger) => [approve(ledger, ask({}, { root: ledger.state.root }), 'bob', { key: 'thief' })],
    ],
    [
      'an approval of something else',
      (_, ledger) => [approve(ledger, ask({}, { root: ledger.state.root }), 'bob', { grant: { duration } })],
    ],
    [
      'an approval that names an entry of another ledger',
      (_, ledger) => [
        approve(ledger, ask({}, { root: ledger.state.root }), 'bob', {
          ledger: { seq: 1, head: ledger.state.head },
        }),
      ],
    ],
  ])('%s', (_, approvals) => {
    const findings = granting((honest, ledger) => ({
      ...honest,
      evidence: { ...honest.evidence, approvals: approvals(honest, ledger) },
    }));
    expect(findings.filter((one) => one.startsWith('error'))).not.toEqual([]);
  });

  it("somebody else's signature on the request", () => {
    const findings = granting((honest, ledger) => ({
      ...honest,
      evidence: {
        ...honest.evidence,
        statement: ask({}, { root: ledger.state.root, key: 'frank' }).statement,
      },
    }));
    expect(findings.filter((one) => one.startsWith('error'))).not.toEqual([]);
  });

  it('standing access is told where its role allows it, and an error where not', () => {
    expect(granting((honest) => ({ ...honest, preexisting: ['connect'] }))).toEqual([
      'error E_LED_STANDING',
      'note W_STANDING',
    ]);
  });

  it('scheduled and then granted on the recorded evidence', () => {
    const ledger = new Ledger();
    const asked = ask({ start: at('18:00') }, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const approvals = [approve(ledger, asked, 'bob')];
    ledger.append([scheduledEvent(snapshot(ledger, asked, { approvals }), at('12:10'))], at('12:10'));
    expect(found(ledger)).toEqual([]);
    const recorded = ledger.record(asked.id)?.grant?.evidence?.approvals ?? [];
    ledger.append(
      [
        intentOf(
          ledger,
          readyNow(snapshot(ledger, asked, { approvals: recorded }), at('18:00')),
          at('18:00'),
        ),
      ],
      at('18:00'),
    );
    expect(found(ledger)).toEqual([]);
  });

  it('seen for one, granted to another', () => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([{ ...seenEvent(asked), role: 'reader' }], at('12:00'));
    const of = snapshot(ledger, asked, { approvals: [approve(ledger, asked, 'bob')] });
    ledger.append([intentOf(ledger, readyNow(of, at('12:10')), at('12:10'))], at('12:10'));
    expect(found(ledger)).toContain('error E_LED_SEEN');
  });

  it("what was decided yesterday is judged by yesterday's policy", () => {
    const ledger = new Ledger();
    grantLive(ledger, {}, 'bob', at('12:00'));
    const seq = ledger.entries.findIndex(({ after }) => after.entry.events[0]?.type === 'granting');
    ledger.changePolicy(policyOf(textsWith('policy/roles.yaml', '  dba:', '  dba-new:')), at('13:00'), [
      'alice',
      'bob',
    ]);
    expect(found(ledger, seq)).toEqual([]);
  });
});

describe('other entries', () => {
  it('an honest ledger has no findings at all', () => {
    const ledger = new Ledger();
    const asked = grantLive(ledger, {}, 'bob', at('12:00'));
    ledger.append(
      [{ type: 'stopped', id: asked.id, statement: stop(ledger, asked.id, 'dana') }],
      at('12:06'),
      { executor: 'pam-sweep' },
    );
    ledger.append([{ type: 'revoked', id: asked.id, kept_for: {}, usage: null }], at('12:07'), {
      executor: 'pam-sweep',
    });
    const all = ledger.entries.slice(1).flatMap((_, place) => found(ledger, place + 1));
    expect(all).toEqual([]);
  });

  it('a stop that nobody entitled signed is found even in an entry that was followed', () => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const before = ledger.state;
    const statement = sign({
      type: 'stop',
      root: before.root,
      signer: 'frank',
      signedAt: at('12:01'),
      request: asked.id,
      because: null,
    });
    const entry = {
      ...before.entry,
      seq: before.seq + 1,
      at: at('12:02'),
      events: [{ type: 'stopped', id: asked.id, statement } as const],
    };
    const findings = auditEntry({
      before,
      after: { ...before, entry },
      providers,
      readRequest: () => REQUEST,
      witnesses: new Map(),
    });
    expect(findings.map(({ code }) => code)).toEqual(['E_LED_STOP']);
  });

  it('an entry that is dated back is told', () => {
    const ledger = new Ledger();
    ledger.append([{ type: 'heartbeat', id: '-', live: 0 }], at('12:00'), { executor: 'pam-sweep' });
    ledger.append([{ type: 'heartbeat', id: '-', live: 0 }], at('11:59:59'), { executor: 'pam-sweep' });
    expect(found(ledger)).toEqual(['warning E_LED_TIME']);
  });
});

describe('the end of the walk', () => {
  const ledger = new Ledger();
  const asked = grantLive(ledger, {}, 'bob', at('12:00'));
  grantLive(ledger, { id: later, duration: parseDuration('2h') ?? duration }, 'bob', at('12:01'));
  const end = (time: string, of = ledger) =>
    auditEnd(
      of.state,
      at(time),
      new Map([[fingerprintOf('pam-apply'), { entries: [{ seq: 1, at: at('23:59') }], policies: [] }]]),
    ).map(({ severity, code }) => `${severity} ${code}`);

  it('access past its end is an error', () => {
    expect(end('12:44:59')).toEqual([]);
    expect(end('12:45')).toEqual(['error E_LED_OVERDUE']);
    expect(end('15:00')).toEqual(['error E_LED_OVERDUE', 'error E_LED_OVERDUE']);
  });

  it('access that is to end is a warning until it is gone', () => {
    const ending = new Ledger();
    grantLive(ending, {}, 'bob', at('12:00'));
    ending.append([{ type: 'ending', id: asked.id, cause: 'incident', because: 'closed' }], at('12:10'), {
      executor: 'pam-sweep',
    });
    expect(end('12:11', ending)).toEqual(['warning W_ENDING']);
  });

  it('a newest entry of the future is told', () => {
    expect(end('11:56')).toEqual(
      ['warning E_LED_TIME'].filter(() => ledger.state.entry.at > plus(at('11:56'), 300)),
    );
    expect(end('11:55')).toEqual(['warning E_LED_TIME']);
  });

  it('entries by a key that policy calls compromised are listed', () => {
    const revoked = (reason: string) => {
      const line = `revoked_keys: [{ fingerprint: "FINGERPRINT(pam-apply)", at: 2026-11-22T13:00:00Z, reason: ${reason} }]\n`;
      const { policy } = policyOf({
        ...TEXTS,
        'policy/people.yaml': `${TEXTS['policy/people.yaml']}${line}`,
      });
      const told = new Ledger();
      told.state = { ...told.state, policy };
      return end('13:00', told);
    };
    expect([revoked('compromised'), revoked('superseded')]).toEqual([['warning W_KEY_COMPROMISED'], []]);
  });
});

describe('requests that an executor saw', () => {
  it('[Q5] more undecided ones of one requester than policy allows', () => {
    const ledger = new Ledger(
      policyOf(textsWith('pam.yaml', 'forge: { kind: git }', 'forge: { kind: git }\nopen_requests: 2')),
    );
    const { root } = ledger.state;
    const seen = (letter: string, requester: string) => {
      const id = requestId(`20261122-dba-${letter.repeat(6)}`);
      const event = seenEvent(ask({ id, requester, subject: requester }, { root }));
      ledger.append([event], at('12:00'));
      return found(ledger);
    };
    expect([seen('a', 'dana'), seen('b', 'erin'), seen('c', 'dana'), seen('d', 'erin')].flat()).toEqual([]);
    expect(seen('e', 'dana')).toEqual(['warning E_POL_LIMIT']);
  });
});
