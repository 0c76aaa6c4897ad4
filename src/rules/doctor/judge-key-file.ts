/** A key file at hand, against the policy in force: is it the one that policy lists, and does it count now? */
import { type Check, type CheckArea, tellOf } from '../../model/check.ts';
import { expected, PamError } from '../../model/error.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { KeyFacts } from '../../model/machine.ts';
import type { Policy } from '../../model/policy.ts';
import { judgeKey } from '../../trust/keyring.ts';
import { parsePublicKey, type PublicKey } from '../../trust/public-key.ts';

/** Soon enough to have a new key signed into policy in time. */
export const SOON_SECONDS = 30 * 86_400;

export interface AtHand {
  readonly area: Extract<CheckArea, 'person' | 'executor'>;
  readonly holder: string;
  /** As it was named: a path, or where it came from. */
  readonly named: string;
  readonly key: KeyFacts;
}

/** Can it sign here? A service cannot type a passphrase. */
export function judgeKeyFile({ area, named, key }: AtHand): Check {
  const { ok, warning, problem } = tellOf(area);
  if (key.otherPublic !== null) {
    const message = `${named}.pub is not the public half of ${named}`;
    return problem('E_SIGN', message, `ssh-keygen -y -f ${named} > ${named}.pub`);
  }
  if (key.half === 'public' && !key.inAgent) {
    return problem(
      'E_SIGN',
      `${named} is a public key, and no agent holds its private half`,
      'ssh-add <key>',
    );
  }
  if (key.locked && area === 'executor' && !key.inAgent) {
    return problem(
      'E_SIGN',
      `${named} wants a passphrase, and nobody is there to type it`,
      'use a key without one',
    );
  }
  if (key.locked && key.line === null) {
    const message = `${named} is behind a passphrase, and ${named}.pub is missing`;
    return warning('E_SIGN', message, `ssh-keygen -y -f ${named} > ${named}.pub`);
  }
  return ok('E_SIGN', `${named} can sign${key.locked && !key.inAgent ? ', with its passphrase' : ''}`);
}

/** Is it the holder's, and does it count at this moment and for the next weeks? */
export function judgeKeyInPolicy(policy: Policy, at: AtHand, now: Instant): Check[] {
  const { area, holder, named } = at;
  const { ok, warning, problem } = tellOf(area);
  if (at.key.line === null) return [];
  let key: PublicKey;
  try {
    key = parsePublicKey(at.key.line);
  } catch (cause) {
    const error = expected(cause);
    return [
      problem(error.code, `pam does not accept the key ${named}: ${error.message}`, 'ssh-keygen -t ed25519'),
    ];
  }
  try {
    const { until } = judgeKey(policy, {
      key: key.fingerprint,
      signer: holder,
      signedAt: now,
      recordedAt: now,
    }).key;
    if (until !== undefined && until < plus(now, SOON_SECONDS)) {
      const hint = 'have an admin add your next key to policy/people.yaml, and ratify it';
      return [warning('W_KEY_EXPIRES', `the key ${key.fingerprint} expires at ${until}`, hint)];
    }
    return [ok('E_KEY_UNKNOWN', `policy lists ${key.fingerprint} as a key of ${holder}, and it counts now`)];
  } catch (cause) {
    const error = expected(cause);
    return [
      problem(
        error.code,
        sentence(error, holder),
        error.hint ?? HINTS[error.code] ?? 'use a key that policy lists',
      ),
    ];
  }
}

const sentence = ({ code, message }: PamError, holder: string): string =>
  code === 'E_KEY_PRINCIPAL'
    ? `${message.replace(/^.* but /u, '').replace(' signed it', '')} is at hand, not one of ${holder}'s`
    : message;

const HINTS: Readonly<Record<string, string>> = {
  E_KEY_UNKNOWN: 'name the key that policy lists (--key, PAM_KEY), or have an admin add this one',
  E_KEY_PRINCIPAL: 'name the right key, or say who you are with --as',
  E_KEY_COMPROMISED: 'make a new key and have an admin add it; this one never counts again',
  E_KEY_REVOKED: 'make a new key and have an admin add it; this one never counts again',
  E_KEY_EXPIRED: 'have an admin add a new key to policy/people.yaml, and ratify it',
};
