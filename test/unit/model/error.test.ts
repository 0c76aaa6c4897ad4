import { describe, expect, it } from 'vitest';
import { EXIT, exitOf, PamError } from '../../../src/model/error.ts';

describe('exit classes', () => {
  it.each([
    ['E_REQ_TTL', EXIT.invalid],
    ['E_REQ_CONSUMED', EXIT.refused],
    ['E_REQ_ID_TAKEN', EXIT.refused],
    ['E_YAML_DEPTH', EXIT.invalid],
    ['E_PR_SCOPE', EXIT.invalid],
    ['E_CONFIG_API', EXIT.invalid],
    ['E_POL_TTL', EXIT.refused],
    ['E_APR_SELF', EXIT.refused],
    ['E_KEY_UNKNOWN', EXIT.refused],
    ['E_SIG_MISSING', EXIT.refused],
    ['E_SK_NO_UV', EXIT.refused],
    ['E_RSA_BITS', EXIT.refused],
    ['E_ARMOR', EXIT.refused],
    ['E_STATEMENT', EXIT.refused],
    ['E_SIGNATURE', EXIT.refused],
    ['E_LED_CHAIN', EXIT.integrity],
    ['E_USAGE', EXIT.usage],
    ['E_BUG', EXIT.bug],
    ['E_INTERRUPTED', EXIT.interrupted],
    ['E_GIT_NETWORK', EXIT.failed],
    ['E_PRV_READBACK', EXIT.failed],
    ['W_LED_JUNK', EXIT.failed],
  ] as const)('%s is %d', (code, exit) => {
    expect(exitOf(code)).toBe(exit);
    expect(new PamError(code, 'no').exit).toBe(exit);
  });

  it('a thrower may know better, and keeps the cause', () => {
    const cause = new Error('why');
    const error = new PamError('E_POL_TTL', 'no', { exit: EXIT.invalid, hint: 'do this', cause });
    expect([error.exit, error.hint, error.cause, error.issues, error.name]).toEqual([
      4,
      'do this',
      cause,
      [],
      'PamError',
    ]);
  });
});
