/**
 * What `seen` keeps: random versions, signed anew in any order, against a model that is written here: the first `seen`
 * of the same bytes gives the clock, the owners, the stoppers and their keys, and the newest says which statement
 * belongs to them.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instant, instantOf, plus, unixSeconds } from '../../../src/model/instant.ts';
import type { SeenEvent } from '../../../src/rules/events/seen.ts';
import type { Signed } from '../../../src/model/statement.ts';
import { auditEntry } from '../../../src/rules/audit-entry.ts';
import { decide } from '../../../src/rules/decide.ts';
import { EMPTY_INDEX, foldIndex } from '../../../src/rules/fold-index.ts';
import { seeing } from '../../../src/rules/judge-candidate.ts';
import { planApply } from '../../../src/rules/plan-apply.ts';
import { MAX_REFUSED, MAX_VERSIONS } from '../../../src/rules/see-request.ts';
import { readOpenRecord } from '../../../src/documents/entry-file.ts';
import { printIndex } from '../../../src/rules/print-index.ts';
import { codeOf } from '../../support/error-code.ts';
import {
  approve,
  ask,
  askText,
  type Asked,
  at,
  fingerprintOf,
  intentOf,
  keyedEvent,
  Ledger,
  MAIN,
  policyOf,
  providers,
  readyNow,
  requestId,
  seenEvent,
  situation,
  snapshot,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const FIRST = policyOf(TEXTS);
const SECOND = policyOf(
  textsWith(
    'policy/people.yaml',
    '  frank: { name: Frank',
    '  hugo: { name: Hugo, keys: [{ key: KEY(hugo) }] }\n  frank: { name: Frank',
    textsWith('policy/roles.yaml', 'approvers: [carol], after: 15m', 'approvers: [hugo], after: 15m'),
  ),
);
const START = at('12:00');
const after = (seconds: number): Instant => instantOf((unixSeconds(START) + seconds) * 1000);

const context = (now: Instant, policy = FIRST.policy) => ({
  seq: 5,
  at: now,
  executor: 'pam-apply',
  key: fingerprintOf('pam-apply'),
  main: MAIN,
  policy,
});

const versions = ['45m', '50m', '55m'].map(
  (duration) => (root: Asked['requestSha256'], signed: Instant) =>
    ask({ justification: `For ${duration}` }, { root, at: signed }),
);

describe('[X25] signing the same bytes anew starts no new clock', () => {
  it('whatever stood between, under whatever policy: the first seen of the same bytes counts', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const step = fc.record({
      version: fc.nat({ max: 2 }),
      wait: fc.integer({ min: 1, max: 900 }),
      later: fc.boolean(),
    });
    let returned = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), (steps) => {
        let [index, seconds] = [EMPTY_INDEX, 0];
        const firsts = new Map<
          string,
          { readonly at: Instant; readonly keys: unknown; readonly stoppers: unknown }
        >();
        for (const { version, wait, later } of steps) {
          seconds += wait;
          const { policy } = later ? SECOND : FIRST;
          const one = versions[version]?.(root, after(seconds));
          if (one === undefined) throw new TypeError('no version');
          const event = keyedEvent(one, policy);
          index = foldIndex(index, [event], context(after(seconds), policy));
          const record = index.records.get(one.id);
          const seen = record?.seen;
          if (firsts.has(one.requestSha256)) returned += 1;
          else
            firsts.set(one.requestSha256, {
              at: after(seconds),
              keys: event.stopper_keys,
              stoppers: Object.keys(event.stopper_keys ?? {}),
            });
          const first = firsts.get(one.requestSha256);
          expect(seen).toMatchObject({
            at: first?.at,
            stoppers: first?.stoppers,
            stopper_keys: first?.keys,
            request_sha256: one.requestSha256,
            signature_sha256: one.signatureSha256,
          });
          // More than one version: each is kept; else the field is absent, never empty.
          expect(record?.firsts?.map(({ request_sha256: digest }) => digest)).toEqual(
            firsts.size > 1 ? [...firsts.keys()] : undefined,
          );
          const [file] = [...printIndex(index)].filter(([path]) => path.includes(one.id));
          expect(readOpenRecord(Buffer.from(file?.[1] ?? ''))).toEqual(record);
        }
      }),
      { seed: 20_261_122, numRuns: 50 },
    );
    expect(returned).toBeGreaterThan(40);
  });

  it('an executor sees the newest signature, and decide_within goes on from the first', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const first = ask({}, { root, at: at('12:00') });
    ledger.append([keyedEvent(first, ledger.policy)], at('12:00'));
    const anew = ask({}, { root, at: at('15:50') });
    const event = seeing(situation(ledger, [anew]), ledger.state.index, anew, at('15:55'));
    expect(event).toEqual(keyedEvent(anew, ledger.policy));
    ledger.append([keyedEvent(anew, ledger.policy)], at('15:55'));
    const approvals = [approve(ledger, anew, 'bob', { at: at('15:56') })];
    const verdict = (time: string) => decide(snapshot(ledger, anew, { approvals }), at(time)).verdict;
    expect([verdict('15:57'), verdict('16:00'), verdict('16:00:01')]).toEqual([
      'approved',
      'approved',
      'refused',
    ]);
  });

  it('what an earlier build saw keeps its clock, and takes the first keys that are written', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const first = ask({}, { root, at: at('12:00') });
    ledger.append([seenEvent(first)], at('12:00'));
    expect(ledger.record(first.id)?.seen).not.toHaveProperty('stopper_keys');
    const anew = ask({}, { root, at: at('13:00') });
    ledger.append([keyedEvent(anew, ledger.policy)], at('13:00'));
    expect(ledger.record(first.id)?.seen).toMatchObject({
      at: at('12:00'),
      signature_sha256: anew.signatureSha256,
      stopper_keys: { bob: [fingerprintOf('bob'), fingerprintOf('bob-sk')].sort() },
    });
    expect(ledger.record(first.id)).not.toHaveProperty('firsts');
  });

  it('earlier builds replaced the record whole, and their ledgers stay what they are', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const first = ask({}, { root, at: at('12:00') });
    ledger.append([seenEvent(first)], at('12:00'));
    ledger.append([seenEvent(ask({}, { root, at: at('13:00') }))], at('13:00'));
    expect(ledger.record(first.id)?.seen?.at).toBe(at('13:00'));
    expect(JSON.stringify(ledger.record(first.id))).not.toContain('stopper_keys');
  });
});

describe('[X28] after one seen with stopper_keys, one without is junk', () => {
  const other = requestId('20261122-dba-bbbbbb');
  it.each([
    ['of the same id', (root: Asked['requestSha256']) => ask({}, { root, at: at('12:30') })],
    ['of another id', (root: Asked['requestSha256']) => ask({ id: other }, { root, at: at('12:30') })],
  ] as const)('%s', (_, next) => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    ledger.append([keyedEvent(ask({}, { root }), ledger.policy)], at('12:00'));
    expect(codeOf(() => ledger.append([seenEvent(next(root))], at('12:40')))).toBe('E_LED_STEP');
    const keyed = keyedEvent(next(root), ledger.policy);
    expect(codeOf(() => ledger.append([keyed], at('12:40')))).toBe('ok');
  });

  it('in one entry, too; and a reader who begins from open/ alone says the same', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const both: SeenEvent[] = [
      keyedEvent(ask({}, { root }), ledger.policy),
      seenEvent(ask({ id: other }, { root })),
    ];
    expect(codeOf(() => foldIndex(EMPTY_INDEX, both, context(at('12:00'))))).toBe('E_LED_STEP');
    expect(codeOf(() => foldIndex(EMPTY_INDEX, both.reverse(), context(at('12:00'))))).toBe('ok');
    const [first, second] = both;
    if (first === undefined || second === undefined) throw new TypeError('two events');
    const keyed = foldIndex(EMPTY_INDEX, [second], context(at('12:00')));
    const fromDisk = { ...keyed, records: new Map(keyed.records) };
    expect(codeOf(() => foldIndex(fromDisk, [first], context(at('12:01'))))).toBe('E_LED_STEP');
  });

  it('other keys than policy lists are believed, and found by audit', () => {
    const codes = [{}, { bob: [fingerprintOf('frank')] }].map((keys) => {
      const ledger = new Ledger(FIRST);
      const asked = ask({}, { root: ledger.state.root });
      const before = ledger.state;
      const event = { ...keyedEvent(asked, ledger.policy), stopper_keys: keys };
      ledger.append([event], at('12:00'));
      const facts = { before, after: ledger.state, providers, witnesses: ledger.witnesses };
      return auditEntry({ ...facts, readRequest: () => asked.request }).map(({ code }) => code);
    });
    expect(codes).toEqual([['E_LED_SEEN'], ['E_LED_SEEN']]);
  });
});

/** Granted at 13:00 on this request, seen in this way, with an approval of then. */
function granted(keyed: boolean, asked: { signed: string; approved: string; statement?: string }) {
  const ledger = new Ledger(FIRST);
  const { root } = ledger.state;
  const one = ask({}, { root, at: at(asked.signed) });
  ledger.append([keyed ? keyedEvent(one, ledger.policy) : seenEvent(one)], at('12:30'));
  const approvals = [approve(ledger, one, 'bob', { at: at(asked.approved) })];
  const of = snapshot(ledger, one, { approvals });
  const ready = readyNow({ ...of, untimed: true }, at('13:00'));
  const other = asked.statement === undefined ? one : ask({}, { root, at: at(asked.statement) });
  const event = intentOf(ledger, ready, at('13:00'));
  const before = ledger.state;
  ledger.append([{ ...event, evidence: { ...event.evidence, statement: other.statement } }], at('13:00'));
  const facts = { before, after: ledger.state, providers, witnesses: ledger.witnesses };
  const found = auditEntry({ ...facts, readRequest: () => one.request });
  return {
    decided: decide(of, at('13:00'))
      .reasons.filter(({ ok }) => !ok)
      .map(({ code }) => code),
    audit: found.map(({ code, severity }) => `${severity} ${code}`),
  };
}

describe('[X26] an approval answers one signed request, in time', () => {
  it.each([
    ['at the same moment', '12:20', '12:20', []],
    ['within what clocks may differ', '12:20', '12:15', []],
    ['a second before that', '12:20', '12:14:59', ['E_APR_TIME']],
    ['hours before the request was signed anew', '12:28', '10:00', ['E_APR_TIME']],
    ['decide_within before the decision', '09:00', '09:00', []],
    ['a second more', '08:59', '08:59:59', ['E_APR_TIME']],
  ] as const)('signed %s', (_, signed, approved, codes) => {
    const today = granted(true, { signed, approved });
    expect(today.decided.filter((code) => code === 'E_APR_TIME')).toEqual(codes);
    expect(today.audit).toEqual(codes.length === 0 ? [] : ['error E_LED_GRANT']);
    // What an earlier build wrote stands; audit says what it finds.
    expect(granted(false, { signed, approved }).audit).toEqual(codes.map((code) => `warning ${code}`));
  });

  it('signed anew after the approval: a new approval is needed, and counts', () => {
    const ledger = new Ledger(FIRST);
    const { root } = ledger.state;
    const first = ask({}, { root, at: at('12:00') });
    ledger.append([keyedEvent(first, ledger.policy)], at('12:00'));
    const old: Signed = approve(ledger, first, 'bob', { at: at('12:05') });
    const anew = ask({}, { root, at: at('12:30') });
    ledger.append([keyedEvent(anew, ledger.policy)], at('12:31'));
    const verdict = (...approvals: Signed[]) =>
      decide(snapshot(ledger, anew, { approvals }), at('12:40')).verdict;
    expect(verdict(old)).toBe('refused');
    expect(verdict(old, approve(ledger, anew, 'bob', { at: at('12:35') }))).toBe('approved');
  });
});

describe('[X27] a grant rests on the statement that seen recorded', () => {
  it.each([
    ['the one that was seen', undefined, []],
    ['another over the same bytes', '12:25', ['E_LED_SEEN']],
  ] as const)('%s', (_, statement, codes) => {
    const asked = { signed: '12:20', approved: '12:25', ...(statement === undefined ? {} : { statement }) };
    expect(granted(true, asked).audit).toEqual(codes.map((code) => `error ${code}`));
    expect(granted(false, asked).audit).toEqual(codes.map((code) => `warning ${code}`));
  });

  it('a signature file in another spelling is not seen, and refused once it is merged', () => {
    const ledger = new Ledger(FIRST);
    const plain = ask({}, { root: ledger.state.root });
    const odd = { ...plain, signatureSha256: plain.requestSha256 };
    expect(seeing(situation(ledger, [odd]), ledger.state.index, odd, at('12:10'))).toBeUndefined();
    expect(planApply(situation(ledger, [odd]), at('12:10')).refuse).toMatchObject([
      { reasons: [{ code: 'E_ARMOR' }] },
    ]);
  });
});

describe('[X33] no record stays open for ever, and none grows for ever', () => {
  const version = (ledger: Ledger, n: number, time = '12:00'): Asked =>
    ask({ justification: `Version ${n} of what I need` }, { root: ledger.state.root, at: at(time) });

  it(`the version that is open is refused although ${MAX_REFUSED} others were`, () => {
    const ledger = new Ledger(FIRST);
    const asked = version(ledger, 0);
    ledger.append([keyedEvent(asked, ledger.policy)], at('12:00'));
    for (let n = 1; n <= MAX_REFUSED; n++) {
      const { requestSha256 } = version(ledger, n);
      const reasons = [{ code: 'E_X', message: 'no' }];
      ledger.append([{ type: 'refused', id: asked.id, request_sha256: requestSha256, reasons }], at('12:01'));
    }
    for (const candidates of [[asked], [version(ledger, 1)], []]) {
      const { refuse } = planApply(situation(ledger, candidates), at('16:00:01'));
      const open = refuse.filter((one) => one.request_sha256 === asked.requestSha256);
      expect(open).toHaveLength(1);
      expect(codeOf(() => foldIndex(ledger.state.index, open, context(at('16:00:01'))))).toBe('ok');
    }
    ledger.append(planApply(situation(ledger, [asked]), at('16:00:01')).refuse, at('16:00:01'), {
      main: MAIN,
    });
    expect(ledger.record(asked.id)?.state).toBe('refused');
    const more = version(ledger, 99, '16:00');
    expect(codeOf(() => ledger.append([keyedEvent(more, ledger.policy)], at('16:01')))).toBe('E_LED_STEP');
  });

  it('bytes that take the place of those that were seen do not keep these open', () => {
    const ledger = new Ledger(FIRST);
    const asked = version(ledger, 0);
    ledger.append([keyedEvent(asked, ledger.policy)], at('12:00'));
    const bad = askText(`${asked.bytes}\n# again\n`, asked.id, { root: ledger.state.root, signer: 'erin' });
    const codes = (time: string) =>
      planApply(situation(ledger, [bad]), at(time)).refuse.map(({ request_sha256: digest }) =>
        digest === asked.requestSha256 ? 'seen' : 'other',
      );
    expect([codes('12:10'), codes('16:00:01').sort()]).toEqual([['other'], ['other', 'seen']]);
  });

  it(`at most ${MAX_VERSIONS} versions are seen under one id; the same bytes are no new one`, () => {
    const ledger = new Ledger(FIRST);
    const tried = Array.from({ length: MAX_VERSIONS + 1 }, (_, n) => {
      const one = version(ledger, n);
      const seen = seeing(situation(ledger, [one]), ledger.state.index, one, at('12:00'));
      const code = codeOf(() => ledger.append([keyedEvent(one, ledger.policy)], plus(at('12:00'), n)));
      return [seen !== undefined, code];
    });
    const last = [false, 'E_LED_STEP'];
    expect(tried).toEqual([...Array.from({ length: MAX_VERSIONS }, () => [true, 'ok']), last]);
    const again = version(ledger, 3, '12:20');
    expect(codeOf(() => ledger.append([keyedEvent(again, ledger.policy)], at('12:30')))).toBe('ok');
    const refused = planApply(situation(ledger, [version(ledger, 77)]), at('12:40')).refuse;
    expect(refused).toMatchObject([{ reasons: [{ code: 'E_REQ_CONSUMED' }] }]);
  });
});
