import { describe, expect, it } from 'vitest';
import type { LedgerEvent } from '../../../src/model/entry.ts';
import { judgeRight, mayWriteTogether } from '../../../src/rules/rights.ts';
import { executesOn } from '../../../src/rules/people.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, grantLive, Ledger, policyOf, REQUEST, TEXTS, textsWith } from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const RIGHTS = 'executes: { targets: ["*"], may: [grant, revoke] }';
const { policy } = policyOf(TEXTS);
const onBastion = policyOf(
  textsWith(PEOPLE, 'targets: ["*"], may: [revoke]', 'targets: [bastion], may: [revoke]'),
).policy;
const ledger = new Ledger();
const live = grantLive(ledger, {}, 'bob', at('12:00'));
const record = ledger.record(live.id) ?? undefined;
const grant = record?.grant;
if (grant == null) throw new TypeError('nothing is live');
const ids = { id: REQUEST.id } as const;
const evidence = { request: '', statement: { text: '', armor: '' }, approvals: [] };
const { recorded: _recorded, evidence: _evidence, granting: _granting, receipt: _receipt, ...terms } = grant;

/** By hand, since this is who may do what; what keeps to all events is in `test/conformance/events.test.ts`. */
const EVENTS = {
  genesis: [{ type: 'genesis', id: '-', policy: policy.digest, files: {}, nonce: '' }, 'grant'],
  policy: [{ type: 'policy', id: '-', seq: 1, digest: policy.digest, statements: [] }, 'any'],
  seen: [
    {
      type: 'seen',
      ...ids,
      request_sha256: policy.digest,
      signature_sha256: policy.digest,
      proposal: '',
      requester: '',
      subject: '',
      role: '',
    },
    'grant',
  ],
  refused: [{ type: 'refused', ...ids, request_sha256: policy.digest, reasons: [] }, 'grant'],
  scheduled: [{ type: 'scheduled', ...ids, evidence, grant: terms }, 'grant'],
  granting: [
    {
      type: 'granting',
      ...ids,
      evidence,
      grant: terms,
      handle: { serial: 1 },
      preexisting: [],
      act_by: at('12:00'),
    },
    'grant',
  ],
  granted: [{ type: 'granted', ...ids, receipt: {} }, 'grant'],
  failed: [{ type: 'failed', ...ids, error: { code: '', message: '' } }, 'grant'],
  stopped: [{ type: 'stopped', ...ids, statement: { text: '', armor: '' } }, 'any'],
  ending: [{ type: 'ending', ...ids, cause: 'incident', because: '' }, 'any'],
  revoked: [{ type: 'revoked', ...ids, kept_for: {}, usage: null }, 'revoke'],
  revoke_failed: [{ type: 'revoke_failed', ...ids, attempt: 1, error: { code: '', message: '' } }, 'revoke'],
  heartbeat: [{ type: 'heartbeat', id: '-', live: 0 }, 'any'],
} as const satisfies Readonly<Record<string, readonly [LedgerEvent, 'grant' | 'revoke' | 'any']>>;

describe('which executor may write what', () => {
  it.each(Object.entries(EVENTS))('%s', (_, [event, needs]) => {
    expect(codeOf(() => judgeRight(policy, 'pam-apply', event, record))).toBe('ok');
    expect(codeOf(() => judgeRight(policy, 'pam-sweep', event, record))).toBe(
      needs === 'grant' ? 'E_LED_KIND' : 'ok',
    );
    for (const nobody of ['deploy-bot', 'alice', 'nobody', 'constructor']) {
      expect(codeOf(() => judgeRight(policy, nobody, event, record))).toBe('E_LED_KIND');
    }
  });

  it('on its own targets only, whether the event or the record names the target', () => {
    const [revoked] = EVENTS.revoked;
    expect(codeOf(() => judgeRight(onBastion, 'pam-sweep', revoked, record))).toBe('E_LED_KIND');
    expect(codeOf(() => judgeRight(onBastion, 'pam-sweep', EVENTS.heartbeat[0], undefined))).toBe('ok');
    const granter = policyOf(
      textsWith(PEOPLE, RIGHTS, 'executes: { targets: [bastion], may: [grant] }'),
    ).policy;
    expect(codeOf(() => judgeRight(granter, 'pam-apply', EVENTS.granting[0], undefined))).toBe('E_LED_KIND');
    expect(codeOf(() => judgeRight(granter, 'pam-apply', EVENTS.granted[0], record))).toBe('E_LED_KIND');
  });

  it('a target that policy no longer knows can be cleaned up by anyone who may revoke', () => {
    const { 'orders-db': _gone, ...targets } = policy.targets;
    expect(codeOf(() => judgeRight({ ...onBastion, targets }, 'pam-sweep', EVENTS.revoked[0], record))).toBe(
      'ok',
    );
    expect(codeOf(() => judgeRight({ ...onBastion, targets }, 'pam-sweep', EVENTS.granted[0], record))).toBe(
      'E_LED_KIND',
    );
  });

  it.each([
    ['pam-apply', 'orders-db', 'grant', true],
    ['pam-sweep', 'orders-db', 'grant', false],
    ['pam-sweep', 'bastion', 'revoke', true],
    ['deploy-bot', 'bastion', 'revoke', false],
    ['constructor', 'bastion', 'revoke', false],
  ] as const)('%s on %s: %s is %s', (executor, target, right, may) => {
    expect(executesOn(policy, executor, target, right)).toBe(may);
  });

  it('one target is not the others', () => {
    expect([
      executesOn(onBastion, 'pam-sweep', 'bastion', 'revoke'),
      executesOn(onBastion, 'pam-sweep', 'orders-db', 'revoke'),
    ]).toEqual([true, false]);
  });

  it('genesis and policy stand alone', () => {
    const [seen, policyEvent, genesis] = [EVENTS.seen[0], EVENTS.policy[0], EVENTS.genesis[0]];
    expect([[seen, seen], [policyEvent], [genesis]].map((list) => mayWriteTogether(list))).toEqual([
      true,
      true,
      true,
    ]);
    expect(
      [
        [policyEvent, seen],
        [seen, policyEvent],
        [genesis, policyEvent],
        [policyEvent, policyEvent],
      ].map((list) => mayWriteTogether(list)),
    ).toEqual([false, false, false, false]);
  });
});
