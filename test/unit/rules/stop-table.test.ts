/**
 * A stop counts whatever became of its signer's clock and key: a table of when it was signed, when it is recorded and
 * what policy says of the key, against an answer that is written here from DESIGN section 4, not taken from the code.
 * Each case is asked of all who judge stops: signing and sweeping, deciding, the chain and audit must agree.
 */
import { describe, expect, it } from 'vitest';
import { type Instant, instantOf, unixSeconds } from '../../../src/model/instant.ts';
import type { RequestId } from '../../../src/model/names.ts';
import type { Signed } from '../../../src/model/statement.ts';
import { auditEntry } from '../../../src/rules/audit-entry.ts';
import { groundOf, judgeStop, judgeStops } from '../../../src/rules/judge-stop.ts';
import { planSweep, stopsNotTaken, type SweepFacts } from '../../../src/rules/plan-sweep.ts';
import { codeOf } from '../../support/error-code.ts';
import {
  ask,
  type Asked,
  at,
  keyedEvent,
  Ledger,
  policyOf,
  type PolicyTexts,
  providers,
  REQUEST,
  requestId,
  seenEvent,
  stop,
  TEXTS,
  textsWith,
  type WorldPolicy,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const BOB = '  bob: { name: Bob, keys: [{ key: KEY(bob) }, ';
const FIRST = policyOf(TEXTS);

const listed = (line: string): WorldPolicy =>
  policyOf(textsWith(PEOPLE, 'admins: { people', `revoked_keys:\n  - ${line}\nadmins: { people`));
const revoked = (reason: string, when: string, since?: string): WorldPolicy => {
  const from = since === undefined ? '' : `, since: ${at(since)}`;
  return listed(`{ fingerprint: "FINGERPRINT(bob)", at: ${at(when)}, reason: ${reason}${from} }`);
};
const bobs = (put: string): WorldPolicy => policyOf(textsWith(PEOPLE, BOB, put));
const windowed = (window: string): WorldPolicy =>
  bobs(`  bob: { name: Bob, keys: [{ key: KEY(bob), ${window} }, `);

/** A request that was seen at 12:00 under the first policy; a later policy came into force at 12:01. */
function scene(later: WorldPolicy | null, keyed: boolean): { ledger: Ledger; asked: Asked } {
  const ledger = new Ledger(FIRST);
  const asked = ask({}, { root: ledger.state.root });
  ledger.append([keyed ? keyedEvent(asked, ledger.policy) : seenEvent(asked)], at('12:00'));
  if (later !== null) ledger.changePolicy(later, at('12:01'), ['alice', 'bob', 'grace']);
  return { ledger, asked };
}

const factsOf = (ledger: Ledger, id: RequestId, stops: readonly Signed[]): SweepFacts => ({
  root: ledger.state.root,
  policy: ledger.policy,
  providers,
  index: ledger.state.index,
  stops: new Map([[id, stops]]),
  incidents: new Map(),
});

/** What everybody says who judges it. */
function answers(
  ledger: Ledger,
  asked: Asked,
  signed: Signed,
  now: Instant,
): Readonly<Record<string, boolean>> {
  const { root } = ledger.state;
  const { policy } = ledger;
  const record = ledger.record(asked.id);
  if (record === null) throw new TypeError('it was seen');
  const facts = { root, policy, id: asked.id, record, stops: [signed], request: REQUEST };
  const event = { type: 'stopped', id: asked.id, statement: signed } as const;
  const before = ledger.state;
  const chain = codeOf(() => ledger.append([event], now, { executor: 'pam-sweep' }));
  const audited =
    chain !== 'ok' ||
    auditEntry({
      before,
      after: ledger.state,
      providers,
      readRequest: () => asked.request,
      witnesses: ledger.witnesses,
    }).every(({ severity }) => severity !== 'error');
  expect(['ok', 'E_LED_STOP']).toContain(chain);
  const swept = factsOf({ ...ledger, state: before, policy } as Ledger, asked.id, [signed]);
  return {
    judged: judgeStop(groundOf(root, policy, record), signed, now).kind === 'counts',
    decided: judgeStops(facts, now).length === 1,
    swept: planSweep({ ...swept, index: before.index }, now).drop.length === 1,
    recorded: chain === 'ok',
    audited: chain === 'ok' && audited,
    silent: stopsNotTaken({ ...swept, index: before.index }, now).length === 0,
  };
}

const allSay = (counts: boolean): Readonly<Record<string, boolean>> => ({
  judged: counts,
  decided: counts,
  swept: counts,
  recorded: counts,
  audited: counts,
  // What is found and not taken is told.
  silent: counts,
});

interface Case {
  readonly what: string;
  readonly later: WorldPolicy | null;
  readonly signed: string;
  readonly recorded: string;
  readonly counts: boolean;
}

const cases: readonly Case[] = [
  ...['12:05', '12:15', '12:15:01', '13:00', '2026-11-23T12:00:00Z', '2099-01-01T00:00:00Z'].map(
    (signed): Case => ({
      what: `by a clock that says ${signed}`,
      later: null,
      signed,
      recorded: '12:10',
      counts: true,
    }),
  ),
  { what: 'long before', later: null, signed: '2020-01-01T00:00:00Z', recorded: '12:10', counts: true },
  // `until` 12:20: what counts is the earlier moment.
  ...(
    [
      ['12:19:59', '12:30', true],
      ['12:30', '12:19:59', true],
      ['12:20', '12:30', false],
      ['12:30', '12:20', false],
      ['12:10', '12:11', true],
    ] as const
  ).map(
    ([signed, recorded, counts]): Case => ({
      what: `signed ${signed}, recorded ${recorded}, until 12:20`,
      later: windowed(`until: ${at('12:20')}`),
      signed,
      recorded,
      counts,
    }),
  ),
  ...(
    [
      ['12:06', '12:10', true],
      ['12:04', '12:10', false],
      ['12:10', '12:04', false],
    ] as const
  ).map(
    ([signed, recorded, counts]): Case => ({
      what: `signed ${signed}, recorded ${recorded}, from 12:05`,
      later: windowed(`from: ${at('12:05')}`),
      signed,
      recorded,
      counts,
    }),
  ),
  ...['lost', 'superseded'].flatMap((reason) =>
    ['11:00', '12:06', '12:30'].map(
      (when): Case => ({
        what: `${reason} at ${when}`,
        later: revoked(reason, when),
        signed: '12:05:30',
        recorded: '12:10',
        counts: true,
      }),
    ),
  ),
  ...(
    [
      ['12:30', undefined, true],
      ['12:05', undefined, false],
      ['12:30', '12:05:29', false],
      ['12:30', '12:05:30', false],
      ['12:30', '12:05:31', true],
    ] as const
  ).map(
    ([when, since, counts]): Case => ({
      what: `compromised at ${when}, since ${since ?? 'then'}`,
      later: revoked('compromised', when, since),
      signed: '12:05:30',
      recorded: '12:10',
      counts,
    }),
  ),
  {
    what: 'compromised after it was recorded, by a clock that is ahead of that',
    later: revoked('compromised', '12:30', '12:15'),
    signed: '12:20',
    recorded: '12:10',
    counts: true,
  },
];

describe('[X20, X21] a stop counts whatever its clock said and whatever became of its key', () => {
  it.each(cases.flatMap((one) => [true, false].map((keyed) => ({ ...one, keyed }))))(
    '$what (keys written down: $keyed): $counts',
    ({ later, signed, recorded, counts, keyed }) => {
      const { ledger, asked } = scene(later, keyed);
      const statement = stop(ledger, asked.id, 'bob', { at: at(signed) });
      expect(answers(ledger, asked, statement, at(recorded))).toEqual(allSay(counts));
    },
  );
});

const without = (texts: PolicyTexts): WorldPolicy =>
  policyOf(textsWith(PEOPLE, 'leads: [alice, bob]', 'leads: [alice, carol]', texts));
const ADMINS = textsWith(PEOPLE, 'people: [alice, bob, grace]', 'people: [alice, carol, grace]');
/** bob approves for the role when it is seen; then he leaves the role, or has another key. */
const moved = without(ADMINS);
const swapped = bobs('  bob: { name: Bob, keys: [{ key: KEY(bob-new) }, ');
const given = policyOf(
  textsWith(
    PEOPLE,
    '  erin: { name: Erin, keys: [',
    '  erin: { name: Erin, keys: [{ key: KEY(bob) }, ',
    textsWith(PEOPLE, BOB, '  bob: { name: Bob, keys: [{ key: KEY(bob-new) }, '),
  ),
);

describe('[X24] who could stop it when it was seen still can, with the keys of then', () => {
  it.each([
    ['has no part in it any more', moved, 'bob', true, true],
    ['has another key', swapped, 'bob', true, false],
    ['has another key, which signed', swapped, 'bob-new', true, true],
    ['has given his key to erin', given, 'bob', true, false],
  ] as const)('bob %s', (_, later, key, keyed, unkeyed) => {
    for (const [written, counts] of [
      [true, keyed],
      [false, unkeyed],
    ] as const) {
      const { ledger, asked } = scene(later, written);
      const statement = stop(ledger, asked.id, 'bob', { key });
      expect({ written, ...answers(ledger, asked, statement, at('12:10')) }).toMatchObject({
        written,
        judged: counts,
        swept: counts,
        recorded: counts,
      });
    }
  });

  it('bob is in no policy any more', () => {
    const operator =
      '      - { approvers: [alice, bob], threshold: 1 }\n      - { approvers: [bob, carol], threshold: 1 }';
    const later = policyOf(
      textsWith(
        'policy/roles.yaml',
        operator,
        operator.replaceAll('bob', 'grace'),
        textsWith(
          PEOPLE,
          BOB,
          '  robert: { name: Bob, keys: [{ key: KEY(bob-new) }, ',
          textsWith(PEOPLE, 'leads: [alice, bob]', 'leads: [alice, carol]', ADMINS),
        ),
      ),
    );
    const { ledger, asked } = scene(later, true);
    expect(answers(ledger, asked, stop(ledger, asked.id, 'bob'), at('12:10'))).toEqual(allSay(true));
    const forged = stop(ledger, asked.id, 'bob', { key: 'frank' });
    const other = scene(later, true);
    expect(answers(other.ledger, other.asked, forged, at('12:10')).judged).toBe(false);
  });
});

describe('[X22, X23] what was found and not taken', () => {
  const found = (
    stops: (ledger: Ledger, asked: Asked) => readonly Signed[],
    later: WorldPolicy | null = null,
  ) => {
    const { ledger, asked } = scene(later, true);
    return stopsNotTaken(factsOf(ledger, asked.id, stops(ledger, asked)), at('12:10')).map(
      ({ message }) => message,
    );
  };

  it('is told with its reason: not entitled, compromised, in another name, ended key', () => {
    expect(found((ledger, { id }) => [stop(ledger, id, 'frank')])).toEqual([
      expect.stringMatching(
        /a stop of .* by frank \(frank may not stop .*\) \[E_APR_SCOPE\] does not count/u,
      ),
    ]);
    expect(found((ledger, { id }) => [stop(ledger, id, 'bob', { key: 'frank' })])).toEqual([
      expect.stringContaining('E_KEY_PRINCIPAL'),
    ]);
    const bad = revoked('compromised', '12:02', '11:00');
    expect(found((ledger, { id }) => [stop(ledger, id, 'bob')], bad)).toEqual([
      expect.stringContaining('E_KEY_COMPROMISED'),
    ]);
    const ended = windowed(`until: ${at('12:05')}`);
    expect(found((ledger, { id }) => [stop(ledger, id, 'bob')], ended)).toEqual([
      expect.stringContaining('E_KEY_EXPIRED'),
    ]);
  });

  it('is nothing where no known key signed, and where it is about something else', () => {
    const other = requestId('20261122-dba-zzzzzz');
    expect(
      found((ledger, { id }) => [
        ...Array.from({ length: 20 }, (_, n) => stop(ledger, id, 'bob', { key: `stranger-${n}` })),
        stop(ledger, id, 'frank', { request: other }),
        stop(ledger, id, 'frank', { root: FIRST.policy.digest }),
        { text: 'x', armor: 'y' },
      ]),
    ).toEqual([]);
  });

  it('is a few lines however many were signed, and none beside a stop that counts', () => {
    const many = (ledger: Ledger, id: RequestId): Signed[] =>
      ['frank', 'erin', 'frank', 'erin', 'frank'].map((who, n) =>
        stop(ledger, id, who, { because: `no ${n}`, ...(n === 4 ? { key: 'carol' } : {}) }),
      );
    const lines = found((ledger, { id }) => [
      ...many(ledger, id),
      ...['alice', 'bob', 'carol', 'dana', 'grace'].map((who) => stop(ledger, id, who, { key: 'frank' })),
    ]);
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toMatch(/^\d+ more stops of /u);
    expect(found((ledger, { id }) => [...many(ledger, id), stop(ledger, id, 'dana')])).toEqual([]);
  });
});

describe('[X29] a stop in the entry that sees another version', () => {
  // Carol stands in for `dba` alone; a policy where frank approves for `reader` alone.
  const world = policyOf(
    textsWith(
      'policy/roles.yaml',
      'approval: [{ approvers: ["@leads"], threshold: 1 }]',
      'approval: [{ approvers: [frank], threshold: 1 }]',
    ),
  );
  it.each([
    ['of the new role alone', 'frank', true],
    ['of the old role alone', 'carol', true],
    ['of neither', 'erin', false],
  ] as const)('by somebody %s', (_, signer, counts) => {
    for (const keyed of [true, false]) {
      const ledger = new Ledger(world);
      const asked = ask({}, { root: ledger.state.root });
      const write = (one: Asked) => (keyed ? keyedEvent(one, ledger.policy) : seenEvent(one));
      ledger.append([write(asked)], at('12:00'));
      const next = ask({ role: 'reader' }, { root: ledger.state.root, at: at('12:04') });
      const event = { type: 'stopped', id: asked.id, statement: stop(ledger, asked.id, signer) } as const;
      const code = codeOf(() => ledger.append([write(next), event], at('12:10')));
      expect([keyed, code]).toEqual([keyed, counts ? 'ok' : 'E_LED_STOP']);
    }
  });
});

it('[X20] a stop dated anywhere counts in each second around its record', () => {
  const { ledger, asked } = scene(null, true);
  const record = ledger.record(asked.id);
  if (record === null) throw new TypeError('it was seen');
  const ground = groundOf(ledger.state.root, ledger.policy, record);
  const now = at('12:10');
  for (const ahead of [-86_400, -301, -1, 0, 1, 299, 300, 301, 3600, 86_400, 400 * 86_400]) {
    const signed = stop(ledger, asked.id, 'dana', { at: instantOf((unixSeconds(now) + ahead) * 1000) });
    expect([ahead, judgeStop(ground, signed, now).kind]).toEqual([ahead, 'counts']);
  }
});
