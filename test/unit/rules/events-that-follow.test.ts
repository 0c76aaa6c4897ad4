/** Row X30: a writer leaves out what does not follow, and everything beside it follows for every reader. */
import { describe, expect, it } from 'vitest';
import { faultInEntry } from '../../../src/flows/ledger/fit-entry.ts';
import type { LedgerEvent } from '../../../src/model/entry.ts';
import type { GrantingEvent } from '../../../src/rules/events/granting.ts';
import type { StoppedEvent } from '../../../src/rules/events/stopped.ts';
import type { Instant } from '../../../src/model/instant.ts';
import type { Oid, RequestId } from '../../../src/model/names.ts';
import { eventsThatFollow, type Following } from '../../../src/rules/events-that-follow.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import {
  approve,
  ask,
  at,
  fingerprintOf,
  grantLive,
  intentOf,
  keyedEvent,
  Ledger,
  MAIN,
  policyOf,
  readyNow,
  requestId,
  scheduledEvent,
  seenEvent,
  snapshot,
  stop,
  textsWith,
} from '../../support/world.ts';

const NOW = at('12:10');
const id = (tail: string): RequestId => requestId(`20261122-reader-${tail.padEnd(6, '0')}`);

/** An executor for one target beside the one for all. */
const WORLD = policyOf(
  textsWith(
    'policy/people.yaml',
    'services:\n',
    `services:
  pam-bastion: { owner: alice, keys: [{ key: KEY(pam-bastion) }], executes: { targets: [bastion], may: [grant, revoke] } }
`,
  ),
);

function sift(
  ledger: Ledger,
  events: readonly LedgerEvent[],
  how: { readonly main?: Oid | null; readonly executor?: string; readonly now?: Instant } = {},
): Following {
  const { executor = 'pam-apply', main = MAIN, now = NOW } = how;
  const place = { seq: ledger.state.seq + 1, at: now, executor, ...(main === null ? {} : { main }) };
  return eventsThatFollow(ledger.state, place, fingerprintOf(executor), events, faultInEntry);
}

/** Two requests seen with their approvals, one live grant, one scheduled. */
function story() {
  const ledger = new Ledger(WORLD);
  const { root } = ledger.state;
  const live = grantLive(ledger, { id: id('live'), role: 'reader' }, 'bob', at('12:00'));
  const seen = ['aa', 'bb'].map((tail, nth) =>
    ask(
      {
        id: id(tail),
        role: 'reader',
        requester: nth === 0 ? 'dana' : 'erin',
        subject: nth === 0 ? 'dana' : 'erin',
      },
      { root },
    ),
  );
  ledger.append(
    seen.map((one) => keyedEvent(one, ledger.policy)),
    at('12:01'),
  );
  const later = ask({ id: id('later'), role: 'reader', start: at('18:00') }, { root });
  ledger.append([keyedEvent(later, ledger.policy)], at('12:07'));
  const approvals = [approve(ledger, later, 'bob', { at: at('12:08') })];
  ledger.append([scheduledEvent(snapshot(ledger, later, { approvals }), at('12:08'))], at('12:08'));
  const intents = seen.map((asked) => {
    const signed = [approve(ledger, asked, 'bob', { at: at('12:05') })];
    return intentOf(ledger, readyNow(snapshot(ledger, asked, { approvals: signed }), NOW), NOW);
  });
  const [first, second] = intents;
  if (first === undefined || second === undefined) throw new TypeError('two intents');
  return { ledger, root, live, later, first, second, asked: seen };
}

type Story = ReturnType<typeof story>;

/** Each makes one event that does not follow, by what is wrong with it. */
const BAD: Readonly<Record<string, (on: Story) => LedgerEvent>> = {
  'an outcome of nothing': () => ({ type: 'granted', id: id('none'), receipt: {} }),
  'a revocation before its end': ({ live }) => ({ type: 'revoked', id: live.id, kept_for: {}, usage: null }),
  'an ending of what is only scheduled': ({ later }) => ({
    type: 'ending',
    id: later.id,
    cause: 'subject',
    because: 'gone',
  }),
  'a stop by a stranger': ({ ledger, live }) => ({
    type: 'stopped',
    id: live.id,
    statement: stop(ledger, live.id, 'frank'),
  }),
  'a stop of nothing': ({ ledger }) => ({
    type: 'stopped',
    id: id('none'),
    statement: stop(ledger, id('none'), 'dana'),
  }),
  'a `seen` of a week ago': ({ ledger, root }) =>
    keyedEvent(ask({ id: requestId('20261115-reader-aaaaaa'), role: 'reader' }, { root }), ledger.policy),
  'a `seen` without keys': ({ root }) => seenEvent(ask({ id: id('new'), role: 'reader' }, { root })),
  'a refusal of what is live': ({ live }) => ({
    type: 'refused',
    id: live.id,
    request_sha256: live.requestSha256,
    reasons: [{ code: 'E_POL_DENIED', message: 'no' }],
  }),
  'an intent whose end has passed': ({ second }) => ({
    ...second,
    id: id('late'),
    grant: { ...second.grant, end: at('12:00') },
  }),
  'text that no entry can hold': () => ({
    type: 'refused',
    id: id('none'),
    request_sha256: sha256('none'),
    reasons: [{ code: 'E_POL_DENIED', message: 'half a \ud800' }],
  }),
  'a field that no entry has': () => ({ type: 'heartbeat', id: '-', live: 0, more: 1 }) as LedgerEvent,
  'what is too large': () => ({
    type: 'refused',
    id: id('none'),
    request_sha256: sha256('none'),
    reasons: Array.from({ length: 2000 }, () => ({ code: 'E_POL_DENIED', message: 'x'.repeat(1000) })),
  }),
};

const beginsAgain = (event: LedgerEvent): LedgerEvent =>
  event.type === 'granting' ? { ...event, handle: { serial: 0 } } : event;

describe('[X30] an event that does not follow drops itself', () => {
  const places = [0, 1, 2, 3] as const;
  it.each(Object.entries(BAD).flatMap(([what, bad]) => places.map((place) => ({ what, bad, place }))))(
    '$what, at place $place',
    ({ bad, place }) => {
      const on = story();
      const { ledger, first, second, live } = on;
      const stopped: StoppedEvent = {
        type: 'stopped',
        id: live.id,
        statement: stop(ledger, live.id, 'dana'),
      };
      // What is done about the live grant stands at the end, where it makes nothing of the bad one follow.
      const good: readonly LedgerEvent[] = [first, second, stopped];
      const wrong = bad(on);
      const { events, dropped } = sift(ledger, good.toSpliced(place === 3 ? 2 : place, 0, wrong));
      expect(dropped.map(({ event }) => event)).toEqual([wrong]);
      expect(dropped[0]?.why.message).toContain(wrong.id);
      expect(events.map(beginsAgain)).toEqual(good.map(beginsAgain));
      // Every reader takes it, with handles that carry their places.
      expect(() => ledger.append(events, NOW)).not.toThrow();
      expect(ledger.record(live.id)?.state).toBe('ending');
      for (const { id: one } of [first, second]) expect(ledger.record(one)?.state).toBe('granting');
    },
  );

  it('all of them at once', () => {
    const on = story();
    const wrong = Object.values(BAD).map((bad) => bad(on));
    const drafted = [...wrong, on.first, ...wrong, on.second];
    const { events, dropped } = sift(on.ledger, drafted);
    expect(dropped.map(({ event }) => event)).toEqual([...wrong, ...wrong]);
    expect(() => on.ledger.append(events, NOW)).not.toThrow();
  });

  it('what an executor may not write on that target', () => {
    const { ledger, first, live } = story();
    const ending: LedgerEvent = { type: 'ending', id: live.id, cause: 'subject', because: 'gone' };
    const { events, dropped } = sift(ledger, [first, ending], { executor: 'pam-bastion' });
    expect(events).toEqual([ending]);
    expect(dropped.map(({ event, why }) => [event, why.code])).toEqual([[first, 'E_LED_KIND']]);
    expect(() => ledger.append(events, NOW, { executor: 'pam-bastion', main: MAIN })).not.toThrow();
  });

  it('what belongs into an apply entry, in a sweep entry', () => {
    const { ledger, first, live } = story();
    const ending: LedgerEvent = { type: 'ending', id: live.id, cause: 'subject', because: 'gone' };
    const { events, dropped } = sift(ledger, [first, ending], { main: null });
    expect([events, dropped.map(({ why }) => why.code)]).toEqual([[ending], ['E_LED_SHAPE']]);
  });

  it('nothing begins behind an event of its id that was left out; what ends it stands', () => {
    const { ledger, root, asked, first } = story();
    const [dana] = asked;
    if (dana === undefined) throw new TypeError('one request');
    const next = ask({ id: dana.id, role: 'reader', justification: 'Other bytes of the same id' }, { root });
    const seen = { ...keyedEvent(next, ledger.policy), proposal: 'half a \ud800' };
    const stopped: LedgerEvent = { type: 'stopped', id: dana.id, statement: stop(ledger, dana.id, 'dana') };
    expect(sift(ledger, [first]).dropped).toEqual([]);
    const { events, dropped } = sift(ledger, [seen, first, stopped]);
    expect([events, dropped.map(({ event }) => event)]).toEqual([[stopped], [seen, first]]);
    expect(() => ledger.append(events, NOW, { main: MAIN })).not.toThrow();
  });

  it('what follows as it is stays the same events; a resumed intent keeps its handle', () => {
    const { ledger, first, second } = story();
    const drafted = sift(ledger, [first, second]).events;
    const again = sift(ledger, drafted);
    expect(again.events.map((event, nth) => event === drafted[nth])).toEqual([true, true]);
    ledger.append(drafted, NOW);
    const later = at('12:13');
    const [, resumed] = drafted as readonly GrantingEvent[];
    if (resumed === undefined) throw new TypeError('two intents');
    const resume: GrantingEvent = { ...resumed, act_by: at('12:14') };
    const { events } = sift(ledger, [resume], { now: later });
    expect(events).toEqual([resume]);
    expect(() => ledger.append(events, later)).not.toThrow();
  });
});
