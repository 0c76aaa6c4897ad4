/**
 * Whose key is this, and did it count at that time? A key belongs to exactly one identity of a policy
 * (`judge-policy` refuses a shared one). It counts if it was valid when the statement says it was signed *and*
 * when the ledger recorded it, so that neither backdating nor a late recording helps.
 */
import { PamError } from '../model/error.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { Fingerprint } from '../model/names.ts';
import type { Policy, PolicyKey, RevokedKey } from '../model/policy.ts';
import { parsePublicKey } from './public-key.ts';

export interface Holder {
  readonly kind: 'person' | 'service';
  readonly id: string;
  readonly key: PolicyKey;
}

/** How far ahead of the clock a signed-at claim may be. */
export const CLOCK_TOLERANCE_SECONDS = 300;

const keyrings = new WeakMap<Policy, ReadonlyMap<Fingerprint, Holder>>();

export function holdersOf(policy: Policy): ReadonlyMap<Fingerprint, Holder> {
  const known = keyrings.get(policy);
  if (known !== undefined) return known;
  const holders = new Map<Fingerprint, Holder>();
  const add = (kind: Holder['kind'], id: string, keys: readonly PolicyKey[]): void => {
    for (const key of keys) holders.set(parsePublicKey(key.key).fingerprint, { kind, id, key });
  };
  for (const [id, person] of Object.entries(policy.people)) add('person', id, person.keys);
  for (const [id, service] of Object.entries(policy.services)) add('service', id, service.keys);
  keyrings.set(policy, holders);
  return holders;
}

export interface KeyUse {
  readonly key: Fingerprint;
  readonly signer: string;
  readonly signedAt: Instant;
  /** When the ledger recorded it, or the moment of deciding when it has not yet. */
  readonly recordedAt: Instant;
}

/** The holder, or throws `E_KEY_...`. Says nothing about compromise after the fact: see `compromisedSince`. */
export function judgeKey(policy: Policy, use: KeyUse): Holder {
  const holder = holdersOf(policy).get(use.key);
  if (holder === undefined) {
    throw new PamError('E_KEY_UNKNOWN', `the key ${use.key} belongs to nobody in policy`);
  }
  if (holder.id !== use.signer) {
    throw new PamError(
      'E_KEY_PRINCIPAL',
      `the statement names ${use.signer} but ${holder.id}'s key signed it`,
    );
  }
  if (use.signedAt > plus(use.recordedAt, CLOCK_TOLERANCE_SECONDS)) {
    throw new PamError('E_APR_TIME', `signed-at ${use.signedAt} is in the future`);
  }
  const { from, until } = holder.key;
  if (from !== undefined && (use.signedAt < from || use.recordedAt < from)) {
    throw new PamError('E_KEY_NOT_YET', `${use.signer}'s key ${use.key} is valid from ${from} only`);
  }
  if (until !== undefined && (use.signedAt >= until || use.recordedAt >= until)) {
    throw new PamError('E_KEY_EXPIRED', `${use.signer}'s key ${use.key} expired at ${until}`);
  }
  const revoked = revocationOf(policy, use.key);
  if (revoked !== undefined && revoked.at <= use.recordedAt) {
    const code = revoked.reason === 'compromised' ? 'E_KEY_COMPROMISED' : 'E_KEY_REVOKED';
    throw new PamError(
      code,
      `${use.signer}'s key ${use.key} was revoked at ${revoked.at} (${revoked.reason})`,
    );
  }
  return holder;
}

/** The earliest, where policy lists a key more than once: the strictest counts. */
export function revocationOf(policy: Policy, key: Fingerprint): RevokedKey | undefined {
  const listed = policy.revoked_keys.filter((one) => one.fingerprint === key);
  return listed.reduce<RevokedKey | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);
}

/** Since when approvals by this key are void, if it was reported compromised. */
export function compromisedSince(policy: Policy, key: Fingerprint): Instant | undefined {
  const starts = policy.revoked_keys
    .filter((one) => one.fingerprint === key && one.reason === 'compromised')
    .map((one) => one.since ?? one.at);
  return starts.reduce<Instant | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
}
