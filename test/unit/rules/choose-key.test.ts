/** Which key signs, of those at hand; and what is said of one that cannot count. */
import { describe, expect, it } from 'vitest';
import { PamError } from '../../../src/model/error.ts';
import type { AgentAnswer, KeysAtHand, NamedKey } from '../../../src/model/keys-at-hand.ts';
import { chooseKey, needListedKey } from '../../../src/rules/choose-key.ts';
import { needExecutorKey } from '../../../src/rules/executor-key.ts';
import { fingerprintOf, keyNamed, policyOf, TEXTS, textsWith } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const line = (name: string): string => keyNamed(name).line;
const print = fingerprintOf;
const named = (text: string, ...names: readonly string[]): NamedKey => ({
  text,
  from: '--key',
  lines: names.map(line),
});
const hand = (key: NamedKey | null, agent: AgentAnswer = { state: 'none' }): KeysAtHand => ({
  named: key,
  otherSigningKey: null,
  agent,
  agentOfSsh: null,
});
const holds = (...names: readonly string[]): AgentAnswer => ({ state: 'holds', lines: names.map(line) });
function thrown(work: () => unknown): PamError {
  try {
    work();
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the key that signs', () => {
  it('is the one that was named, whatever the agent holds', () => {
    expect(chooseKey([policy], 'dana', hand(named('k', 'dana'), holds('alice')))).toEqual({
      keyFile: 'k',
      line: line('dana'),
      from: '--key',
    });
    expect(chooseKey([policy], 'dana', hand(named('k', 'mallory'))).keyFile).toBe('k');
  });

  it('is, of several in one file, the one that policy lists for this person', () => {
    const file = named('keys.pub', 'mallory', 'alice', 'dana');
    expect(chooseKey([policy], 'dana', hand(file)).keyFile).toBe(line('dana'));
    expect(chooseKey([policy], 'alice', hand(file)).keyFile).toBe(line('alice'));
    // As ssh-keygen would: the first.
    expect(chooseKey([policy], 'bob', hand(file)).keyFile).toBe(line('mallory'));
  });

  it('may be behind a passphrase', () => {
    const key = { text: 'locked', from: 'PAM_KEY', lines: null };
    expect(chooseKey([policy], 'dana', hand(key))).toEqual({
      keyFile: 'locked',
      line: null,
      from: 'PAM_KEY',
    });
  });

  it('is the one key of the agent that policy lists', () => {
    expect(chooseKey([policy], 'dana', hand(null, holds('mallory', 'dana', 'alice')))).toEqual({
      keyFile: line('dana'),
      line: line('dana'),
      from: 'ssh-agent',
    });
  });

  it('of the next policy, too', () => {
    const next = policyOf(
      textsWith('policy/people.yaml', '{ key: KEY(dana) }', '{ key: KEY(mallory) }'),
    ).policy;
    expect(chooseKey([policy, next], 'dana', hand(null, holds('mallory'))).line).toBe(line('mallory'));
    expect(() =>
      needListedKey([policy, next], 'dana', chooseKey([policy, next], 'dana', hand(named('k', 'mallory')))),
    ).not.toThrow();
  });

  it('is none of the agent where none, or more than one, is listed', () => {
    const none = thrown(() => chooseKey([policy], 'dana', hand(null, holds('alice', 'mallory'))));
    expect(none).toMatchObject({ code: 'E_KEY_UNKNOWN', exit: 5 });
    expect(none.message).toContain('none of the 2 keys');
    expect(none.hint).toBe(`policy lists ${print('dana')} for dana; name it with --key`);
    const two = policyOf(
      textsWith('policy/people.yaml', '{ key: KEY(dana) }', '{ key: KEY(dana) }, { key: KEY(mallory) }'),
    ).policy;
    const several = thrown(() => chooseKey([two], 'dana', hand(null, holds('dana', 'mallory'))));
    expect(several.message).toContain('offers 2 keys');
    expect(several.hint).toContain(`${print('dana')} and ${print('mallory')}`);
  });

  it('asks whom somebody meant whom policy does not know', () => {
    const error = thrown(() => chooseKey([policy], 'dnaa', hand(null, holds('dana'))));
    expect(error.hint).toBe('policy lists no key of dnaa (did you mean dana?)');
  });
});

describe('a key that cannot count', () => {
  const chosen = (name: string) => ({ keyFile: 'k', line: line(name), from: 'PAM_KEY' });

  it('is told before it signs, with the one that policy lists', () => {
    expect(thrown(() => needListedKey([policy], 'dana', chosen('mallory')))).toMatchObject({
      code: 'E_KEY_UNKNOWN',
      message: `the key ${print('mallory')} (PAM_KEY) is not in policy`,
      hint: `policy lists ${print('dana')} for dana; name it with --key`,
    });
    expect(thrown(() => needListedKey([policy], 'dana', chosen('bob')))).toMatchObject({
      code: 'E_KEY_PRINCIPAL',
      message: `the key ${print('bob')} (PAM_KEY) is bob's, not dana's`,
    });
  });

  it('passes where it is listed, is not known yet, or nobody is', () => {
    for (const [id, key] of [
      ['dana', chosen('dana')],
      ['dana', { ...chosen('dana'), line: null }],
      ['stranger', chosen('mallory')],
    ] as const)
      expect(() => needListedKey([policy], id, key)).not.toThrow();
  });
});

describe("an executor's key", () => {
  it('is one that policy lists, now or with the entry that it writes', () => {
    expect(() => needExecutorKey([policy], 'pam-apply', print('pam-apply'))).not.toThrow();
    const next = policyOf(textsWith('policy/people.yaml', 'KEY(pam-apply)', 'KEY(mallory)')).policy;
    expect(() => needExecutorKey([policy, next], 'pam-apply', print('mallory'))).not.toThrow();
  });

  it('is a mistake on this machine otherwise: exit 2, both fingerprints', () => {
    expect(thrown(() => needExecutorKey([policy], 'pam-apply', print('pam-sweep')))).toMatchObject({
      code: 'E_EXECUTOR_KEY',
      exit: 2,
      message: `the key ${print('pam-sweep')} is not pam-apply's`,
      hint: `policy lists ${print('pam-apply')} for pam-apply; give that one with --executor-key or PAM_EXECUTOR_KEY`,
    });
    expect(thrown(() => needExecutorKey([policy], 'pam-aply', print('pam-apply'))).message).toBe(
      'policy knows no service pam-aply (did you mean pam-apply?)',
    );
    expect(thrown(() => needExecutorKey([policy], 'constructor', print('pam-apply'))).code).toBe(
      'E_EXECUTOR_KEY',
    );
  });
});
