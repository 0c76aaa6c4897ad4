import { describe, expect, it } from 'vitest';
import type { Signed } from '../../../src/model/statement.ts';
import { judgeStop, judgeStops, stopGround } from '../../../src/rules/judge-stop.ts';
import { ask, at, Ledger, REQUEST, seenEvent, stop } from '../../support/world.ts';

const ledger = new Ledger();
const { root } = ledger.state;
const asked = ask({}, { root });
ledger.append([seenEvent(asked)], at('12:00'));
const facts = (stops: readonly Signed[]) => ({
  root,
  policy: ledger.policy,
  id: asked.id,
  record: ledger.record(asked.id),
  stops,
  request: REQUEST,
});
const codes = (stops: readonly Signed[]): string[] =>
  judgeStops(facts(stops), at('12:10')).map(({ code, ok }) => (ok ? 'ok' : code));

describe('a stop', () => {
  it.each(['dana', 'alice', 'bob', 'carol', 'grace'])('by %s ends it', (signer) => {
    expect(codes([stop(ledger, asked.id, signer)])).toEqual(['E_POL_DENIED']);
  });

  it.each(['erin', 'frank', 'deploy-bot', 'pam-apply'])('by %s is nothing', (signer) => {
    expect(codes([stop(ledger, asked.id, signer)])).toEqual([]);
  });

  it('junk before it hides nothing', () => {
    const junk: Signed[] = [
      { text: '', armor: '' },
      { text: 'pam-statement: v1\n', armor: 'x' },
      stop(ledger, asked.id, 'frank'),
      stop(ledger, asked.id, 'dana', { key: 'frank' }),
    ];
    expect(codes(junk)).toEqual([]);
    expect(codes([...junk, stop(ledger, asked.id, 'bob', { because: 'no' })])).toEqual(['E_POL_DENIED']);
  });

  it('says who and why', () => {
    const [judged] = judgeStops(facts([stop(ledger, asked.id, 'bob', { because: 'not now' })]), at('12:10'));
    expect(judged).toMatchObject({ message: 'stopped by bob: not now', kind: 'rule' });
    const ground = stopGround(root, ledger.policy, asked.id, [REQUEST]);
    const found = judgeStop(ground, stop(ledger, asked.id, 'bob'), at('12:10'));
    expect(found).toMatchObject({ kind: 'counts', stop: { signer: 'bob', because: null } });
  });

  it('on record is enough', () => {
    const mine = new Ledger();
    const own = ask({}, { root: mine.state.root });
    mine.append(
      [seenEvent(own), { type: 'stopped', id: own.id, statement: stop(mine, own.id, 'dana') }],
      at('12:06'),
    );
    const more = {
      root: mine.state.root,
      policy: mine.policy,
      id: own.id,
      record: mine.record(own.id),
      stops: [],
      request: REQUEST,
    };
    expect(judgeStops(more, at('12:10')).map(({ code }) => code)).toEqual(['E_POL_DENIED']);
  });
});
