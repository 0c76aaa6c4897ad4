/** The keys that a grant rests on: approvers', the login key, the executors'. Pure. */
import { expected } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint } from '../model/names.ts';
import type { GrantPart } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import { compromisedSince } from '../trust/keyring.ts';
import { parsePublicKey } from '../trust/public-key.ts';

/** The first key below the grant that `policy` calls compromised since before the grant relied on it. */
export function compromisedBelow(policy: Policy, grant: GrantPart): Fingerprint | undefined {
  return keysBelow(grant).find(({ key, at }) => {
    const since = compromisedSince(policy, key);
    return since !== undefined && since <= at;
  })?.key;
}

interface KeyAt {
  readonly key: Fingerprint;
  readonly at: Instant;
}

/** Every key that a grant rests on, each with the moment at which it was relied on. */
function keysBelow({ recorded, granting, keys, login_key: login }: GrantPart): readonly KeyAt[] {
  const early = [...keys, ...fingerprintsIn(login)];
  return [
    ...early.map((key) => ({ key, at: recorded.at })),
    recorded,
    ...(granting === null ? [] : [granting.by]),
  ];
}

/** An executor may have recorded a line that is no key; that must not keep every other grant from ending. */
function fingerprintsIn(keyLine: string | null): readonly Fingerprint[] {
  try {
    return keyLine === null ? [] : [parsePublicKey(keyLine).fingerprint];
  } catch (error) {
    expected(error);
    return [];
  }
}
