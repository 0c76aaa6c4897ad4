import { describe, expect, it } from 'vitest';
import type { IncidentState } from '../../../src/model/incident.ts';
import type { Policy } from '../../../src/model/policy.ts';
import { providers } from '../../../src/targets/registry.ts';
import { planSweep } from '../../../src/rules/plan-sweep.ts';
import {
  ask,
  at,
  fingerprintOf,
  grantLive,
  Ledger,
  REQUEST,
  requestId,
  seenEvent,
  stop,
  type Asked,
} from '../../support/world.ts';

const other = requestId('20261122-dba-bbbbbb');

function sweep(
  ledger: Ledger,
  time: string,
  more: { stops?: readonly (readonly [Asked, string])[]; policy?: Policy; incident?: IncidentState } = {},
) {
  const stops = new Map(
    (more.stops ?? []).map(([asked, signer]) => [asked.id, [stop(ledger, asked.id, signer)]]),
  );
  const incidents = new Map(more.incident === undefined ? [] : [['INC-1', more.incident]]);
  const { root, index, policy } = ledger.state;
  const plan = planSweep(
    { root, policy: more.policy ?? policy, providers, index, stops, incidents },
    at(time),
  );
  const told = plan.end.map(
    ({ id, event }) =>
      `${id === other ? 'other ' : ''}${event === null ? 'end' : event.type === 'ending' ? event.cause : event.type}`,
  );
  return { end: told, drop: plan.drop.map(({ id }) => id), recheck: plan.recheck.map(({ id }) => id) };
}
const one = (fields = {}) => {
  const ledger = new Ledger();
  return { ledger, asked: grantLive(ledger, fields, 'bob', at('12:00')) };
};
const nothing = { end: [], drop: [], recheck: [] };

describe('what ends', () => {
  it('at its end, not a second before; shared access only after that was announced', () => {
    const { ledger } = one();
    expect(sweep(ledger, '12:44:59')).toEqual(nothing);
    expect(sweep(ledger, '12:45')).toEqual({ ...nothing, end: ['expired'] });
  });

  it('access that no other grant can need ends without a record of its own', () => {
    const { ledger, asked } = one();
    const record = ledger.record(asked.id);
    if (record?.grant == null) throw new TypeError('no grant');
    const own = { ...record, grant: { ...record.grant, provider: 'ssh-ca' } };
    const { root, policy, index } = ledger.state;
    const facts = { root, policy, providers, stops: new Map(), incidents: new Map() };
    const plan = planSweep({ ...facts, index: { ...index, records: new Map([[own.id, own]]) } }, at('12:45'));
    expect(plan.end.map(({ id, event }) => [id, event])).toEqual([[asked.id, null]]);
  });

  it.each(['dana', 'alice', 'carol', 'grace'])('when %s stops it', (signer) => {
    const { ledger, asked } = one();
    expect(sweep(ledger, '12:10', { stops: [[asked, signer]] }).end).toEqual(['stopped']);
  });

  it('not when a stranger says so', () => {
    const { ledger, asked } = one();
    expect(sweep(ledger, '12:10', { stops: [[asked, 'frank']] })).toEqual(nothing);
  });

  it.each<readonly [IncidentState | undefined, readonly string[]]>([
    [{ state: 'open' }, []],
    [{ state: 'unknown', why: 'no answer' }, []],
    [undefined, []],
    [{ state: 'closed', why: 'done' }, ['incident']],
  ])('incident %j: doubt ends nothing', (incident, end) => {
    const ledger = new Ledger();
    const asked = ask({ incident: 'INC-1' }, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const live = grantLiveWithIncident(ledger, asked);
    expect(sweep(live, '12:10', incident === undefined ? {} : { incident }).end).toEqual(end);
  });

  it('when subject, owner or target left the policy', () => {
    const { ledger } = one({ requester: 'deploy-bot', subject: 'deploy-bot' });
    const { policy } = ledger.state;
    const { erin: _erin, ...people } = policy.people;
    const { 'deploy-bot': _bot, ...services } = policy.services;
    const { 'orders-db': _target, ...targets } = policy.targets;
    expect(sweep(ledger, '12:10', { policy: { ...policy, people } }).end).toEqual(['subject']);
    expect(sweep(ledger, '12:10', { policy: { ...policy, services } }).end).toEqual(['subject']);
    expect(sweep(ledger, '12:10', { policy: { ...policy, targets } }).end).toEqual(['target']);
    const { bob: _bob, ...approverGone } = policy.people;
    const { dba: _dba, ...roles } = policy.roles;
    expect(sweep(ledger, '12:10', { policy: { ...policy, people: approverGone, roles } })).toEqual(nothing);
  });

  it.each([
    ['bob', '12:00', ['compromised']],
    ['bob', '12:00:01', []],
    ['pam-apply', '12:00', ['compromised']],
    ['pam-apply', '12:00:01', []],
    ['alice', '08:00', []],
    ['dana', '08:00', []],
  ])('%s, compromised since %s: %j', (name, since, end) => {
    const { ledger } = one();
    const { policy } = ledger.state;
    const revoked_keys = [
      { fingerprint: fingerprintOf(name), at: at('18:00'), reason: 'compromised', since: at(since) } as const,
    ];
    expect(sweep(ledger, '12:10', { policy: { ...policy, revoked_keys } }).end).toEqual(end);
    const lost = [{ fingerprint: fingerprintOf(name), at: at(since), reason: 'lost' } as const];
    expect(sweep(ledger, '12:10', { policy: { ...policy, revoked_keys: lost } }).end).toEqual([]);
  });

  it.each([
    ['12:10', ['compromised']],
    ['12:10:01', []],
  ])('the key that took the intent up again at 12:10, compromised since %s: %j', (since, end) => {
    const { ledger, asked } = one();
    const { policy, index, root } = ledger.state;
    const record = ledger.record(asked.id);
    if (record?.grant?.granting == null) throw new TypeError('no intent');
    const by = { at: at('12:10'), executor: 'pam-apply-two', key: fingerprintOf('pam-apply-two') };
    const granting = { ...record.grant.granting, by };
    const records = new Map([[asked.id, { ...record, grant: { ...record.grant, granting } }]]);
    const revoked_keys = [
      { fingerprint: by.key, at: at('18:00'), reason: 'compromised', since: at(since) } as const,
    ];
    const facts = { root, providers, policy: { ...policy, revoked_keys }, index: { ...index, records } };
    const plan = planSweep({ ...facts, stops: new Map(), incidents: new Map() }, at('12:20'));
    expect(plan.end.map(({ event }) => (event?.type === 'ending' ? event.cause : event))).toEqual(end);
  });

  it('the oldest end first; what is ending already needs no second record', () => {
    const { ledger, asked } = one({ duration: '2h' });
    grantLive(ledger, { id: other }, 'bob', at('12:01'));
    expect(sweep(ledger, '14:10').end).toEqual(['other expired', 'expired']);
    ledger.append([{ type: 'ending', id: asked.id, cause: 'incident', because: 'closed' }], at('12:10'), {
      executor: 'pam-sweep',
    });
    expect(sweep(ledger, '12:10').end).toEqual(['end']);
  });

  it('an intent that nobody finished ends at its end as well', () => {
    const { ledger } = one();
    const { index } = ledger.state;
    const record = ledger.record(REQUEST.id);
    if (record === null) throw new TypeError('no record');
    const halfway = new Map([...index.records, [record.id, { ...record, state: 'granting' } as const]]);
    const { root, policy } = ledger.state;
    const plan = planSweep(
      {
        root,
        policy,
        providers,
        index: { ...index, records: halfway },
        stops: new Map(),
        incidents: new Map(),
      },
      at('12:45'),
    );
    expect(plan.end.map(({ id }) => id)).toEqual([REQUEST.id]);
  });
});

describe('a grant whose recorded login key is no key', () => {
  it('keeps no other grant from ending, and ends itself', () => {
    const { ledger, asked } = one();
    grantLive(ledger, { id: other }, 'bob', at('12:01'));
    const { index } = ledger.state;
    const record = ledger.record(other);
    if (record?.grant == null) throw new TypeError('no grant');
    const odd = { ...record, grant: { ...record.grant, login_key: 'ssh-ed25519 AAAA' } };
    ledger.state = {
      ...ledger.state,
      index: { ...index, records: new Map([...index.records, [other, odd]]) },
    };
    expect(sweep(ledger, '12:10', { stops: [[asked, 'dana']] }).end).toEqual(['stopped']);
    expect(sweep(ledger, '12:46').end).toEqual(['expired', 'other expired']);
  });
});

describe('what has not begun', () => {
  it('is dropped by a stop, and by nothing else', () => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    expect(sweep(ledger, '18:00')).toEqual(nothing);
    expect(sweep(ledger, '12:10', { stops: [[asked, 'dana']] })).toEqual({ ...nothing, drop: [asked.id] });
    ledger.append(
      [
        {
          type: 'refused',
          id: asked.id,
          request_sha256: asked.requestSha256,
          reasons: [{ code: 'E_X', message: 'no' }],
        },
      ],
      at('12:10'),
    );
    expect(sweep(ledger, '12:10', { stops: [[asked, 'dana']] }).drop).toEqual([asked.id]);
  });
});

describe('what is over', () => {
  it('is asked about for one more day', () => {
    const { ledger, asked } = one();
    ledger.append([{ type: 'revoked', id: asked.id, kept_for: {}, usage: null }], at('12:45'), {
      executor: 'pam-sweep',
    });
    expect(sweep(ledger, '12:45')).toEqual({ ...nothing, recheck: [asked.id] });
    expect(sweep(ledger, '2026-11-23T12:44:59Z').recheck).toEqual([asked.id]);
    expect(sweep(ledger, '2026-11-23T12:45:00Z').recheck).toEqual([]);
  });
});

function grantLiveWithIncident(ledger: Ledger, asked: Asked): Ledger {
  const record = ledger.record(asked.id);
  if (record === null) throw new TypeError('not seen');
  const { ledger: granted } = one();
  const live = granted.record(REQUEST.id);
  if (live?.grant == null) throw new TypeError('not live');
  const records = new Map([[asked.id, { ...live, grant: { ...live.grant, incident: 'INC-1' } }]]);
  granted.state = { ...granted.state, index: { ...granted.state.index, records } };
  return granted;
}
