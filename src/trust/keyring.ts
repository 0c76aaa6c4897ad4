/**
 * Whose key is this, and did it count at that time? A key belongs to exactly one identity of a policy
 * (`judge-policy` refuses a shared one). It counts if it was valid when the statement says it was signed *and*
 * when the ledger recorded it, so that neither backdating nor a late recording helps.
 */
import { PamError } from '../model/error.ts';
import { earlier, type Instant, plus } from '../model/instant.ts';
import type { Fingerprint } from '../model/names.ts';
import type { Policy, PolicyKey, RevokedKey } from '../model/policy.ts';
import { parsePublicKey } from './public-key.ts';
import { rawKeyOf } from './same-key.ts';

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
  if (holder === undefined) throw unknownKey(policy, use);
  if (holder.id !== use.signer) throw otherPrincipal(policy, use, holder);
  if (use.signedAt > plus(use.recordedAt, CLOCK_TOLERANCE_SECONDS)) {
    throw new PamError('E_APR_TIME', `signed-at ${use.signedAt} is in the future`);
  }
  needWindow(holder, use, use.signedAt, use.recordedAt);
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

/**
 * The key of a stop. It counts if it was its signer's at the earlier of `signed-at` and its record, however fast that
 * clock ran and whatever became of the key since: a stop can only make things stricter, so a late or early one is
 * believed. Only a key that was compromised by then signs none (DESIGN section 4).
 * @param wasTheirs the key stands among those that `seen` wrote down for the signer
 * @throws PamError `E_KEY_...`
 */
export function judgeStopKey(policy: Policy, use: KeyUse, wasTheirs: boolean): void {
  const { key, signer } = use;
  const moment = earlier(use.signedAt, use.recordedAt);
  const holder = holdersOf(policy).get(key);
  if (holder?.id === signer) {
    needWindow(holder, use, moment);
  } else if (!wasTheirs) {
    throw holder === undefined ? unknownKey(policy, use) : otherPrincipal(policy, use, holder);
  }
  const since = compromisedSince(policy, key);
  if (since !== undefined && since <= moment) {
    throw new PamError('E_KEY_COMPROMISED', `${signer}'s key ${key} is compromised since ${since}`);
  }
}

const unknownKey = (policy: Policy, { key, signer }: KeyUse): PamError =>
  new PamError('E_KEY_UNKNOWN', `the key ${key} is not in policy`, hintOn(policy, signer));

const otherPrincipal = (policy: Policy, { signer }: KeyUse, holder: Holder): PamError =>
  new PamError(
    'E_KEY_PRINCIPAL',
    `the statement names ${signer} but ${holder.id}'s key signed it`,
    hintOn(policy, signer),
  );

function hintOn(policy: Policy, signer: string): { readonly hint?: string } {
  const listed = [...holdersOf(policy)]
    .filter(([, { id }]) => id === signer)
    .map(([fingerprint]) => fingerprint);
  return listed.length === 0
    ? {}
    : { hint: `policy lists ${listed.join(' and ')} for ${signer}; name it with --key` };
}

function needWindow(holder: Holder, { signer, key }: KeyUse, ...moments: readonly Instant[]): void {
  const { from, until } = holder.key;
  if (from !== undefined && moments.some((moment) => moment < from)) {
    throw new PamError('E_KEY_NOT_YET', `${signer}'s key ${key} is valid from ${from} only`);
  }
  if (until !== undefined && moments.some((moment) => moment >= until)) {
    throw new PamError('E_KEY_EXPIRED', `${signer}'s key ${key} expired at ${until}`);
  }
}

const rawKeys = new WeakMap<Policy, ReadonlyMap<Fingerprint, string>>();

/** Every spelling of every key that policy lists, login keys too, with the raw key in it. */
function rawKeysOf(policy: Policy): ReadonlyMap<Fingerprint, string> {
  const known = rawKeys.get(policy);
  if (known !== undefined) return known;
  const found = new Map<Fingerprint, string>();
  for (const { keys, login_key: login } of [
    ...Object.values(policy.people),
    ...Object.values(policy.services),
  ]) {
    for (const line of [...keys.map(({ key }) => key), ...(login === undefined ? [] : [login])]) {
      const { id, fingerprints } = rawKeyOf(parsePublicKey(line));
      for (const fingerprint of fingerprints) found.set(fingerprint, id);
    }
  }
  rawKeys.set(policy, found);
  return found;
}

/** What policy says of this key: revoking one spelling of a raw key revokes the others. */
function revocationsOf(policy: Policy, key: Fingerprint): readonly RevokedKey[] {
  if (policy.revoked_keys.length === 0) return [];
  const raw = rawKeysOf(policy);
  const own = raw.get(key);
  return policy.revoked_keys.filter(
    ({ fingerprint }) => fingerprint === key || (own !== undefined && raw.get(fingerprint) === own),
  );
}

/** The earliest, where policy lists a key more than once: the strictest counts. */
export function revocationOf(policy: Policy, key: Fingerprint): RevokedKey | undefined {
  return revocationsOf(policy, key).reduce<RevokedKey | undefined>(
    (a, b) => (a === undefined || b.at < a.at ? b : a),
    undefined,
  );
}

/** Since when approvals by this key are void, if it was reported compromised. */
export function compromisedSince(policy: Policy, key: Fingerprint): Instant | undefined {
  const starts = revocationsOf(policy, key)
    .filter((one) => one.reason === 'compromised')
    .map((one) => one.since ?? one.at);
  return starts.reduce<Instant | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
}
