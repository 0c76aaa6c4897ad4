/**
 * May this policy follow that one? The threshold of the previous version's admins must have signed it, and, where
 * admins or their keys change, the new ones' too (version 1: its own). It rises by exactly one, so an older
 * version never comes back, however well it was signed.
 */
import { expected, PamError } from '../model/error.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import { mayBeLive, type OpenIndex } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import type { Signed } from '../model/statement.ts';
import { verifyStatement } from '../trust/verify-statement.ts';
import { judgeKept } from './judge-settled.ts';
import { executesOn } from './people.ts';

export const POLICY_STATEMENT_LIFE_SECONDS = 7 * 86_400;

export interface PolicyChange {
  readonly root: Sha256;
  readonly seq: number;
  readonly next: Policy;
  /** The version in force; `null` when `next` is version 1. */
  readonly previous: Policy | null;
  readonly statements: readonly Signed[];
  readonly recordedAt: Instant;
}

export interface Tally {
  readonly have: readonly string[];
  readonly need: number;
}

/** The counts that are needed: one tally, or two where admins or their keys change. */
export function tallies(change: PolicyChange): readonly Tally[] {
  const judges = change.previous === null ? [change.next] : [change.previous];
  if (change.previous !== null && adminsDiffer(change.previous, change.next)) judges.push(change.next);
  return judges.map((policy) => ({
    have: [...signers(policy, versionOf(change))].sort(),
    need: policy.admins.threshold,
  }));
}

/**
 * Of each admin one statement a side, so that strangers cannot bloat the ledger. An admin whose key the new version
 * replaces signs twice: with the key of the version in force for its side, with the new one for the other.
 */
export function countedOnly(change: PolicyChange): readonly Signed[] {
  const counts = change.statements.map((signed) => ({ signed, places: placesOf(change, signed) }));
  const kept = new Map<string, Signed>();
  // The last one wins: one that counts on both sides makes a second one needless.
  for (const { signed, places } of counts.toSorted((a, b) => a.places.length - b.places.length))
    for (const place of places) kept.set(place, signed);
  return [...new Set(kept.values())];
}

const placesOf = (change: PolicyChange, signed: Signed): readonly string[] =>
  tallies({ ...change, statements: [signed] }).flatMap(({ have }, side) =>
    have.map((admin) => `${side} ${admin}`),
  );

/**
 * The sides that are short of this admin's signature, though they signed: another key of theirs counts there. Keys
 * change with a policy, so a signature may count for the version in force and not for the new one, or the reverse.
 */
export function sidesShortOf(change: PolicyChange, admin: string): readonly Side[] {
  const [inForce, next] = tallies(change);
  const short = (tally: Tally | undefined, policy: Policy | null): boolean =>
    tally !== undefined &&
    tally.have.length < tally.need &&
    !tally.have.includes(admin) &&
    policy !== null &&
    policy.admins.people.includes(admin);
  return [
    ...(short(inForce, change.previous ?? change.next) ? ['in force' as const] : []),
    ...(short(next, change.next) ? ['new' as const] : []),
  ];
}

export type Side = 'in force' | 'new';

/** Throws `E_POL_UNSIGNED`, or `E_POL_ROOT_CHAIN` when only the new admins agree. */
export function judgePolicyChange(change: PolicyChange, index: OpenIndex): void {
  judgeKept(change.previous, change.next);
  const [first, second] = tallies(change);
  const short = (tally: Tally | undefined): boolean => tally !== undefined && tally.have.length < tally.need;
  if (short(first) || short(second)) {
    const code =
      short(first) && second !== undefined && !short(second) ? 'E_POL_ROOT_CHAIN' : 'E_POL_UNSIGNED';
    const tally = short(first) ? first : second;
    throw new PamError(
      code,
      `policy version ${change.seq} needs ${tally?.need} admin signatures and has ${tally?.have.length}`,
      { hint: 'admins sign it with `pam ratify`' },
    );
  }
  for (const record of index.records.values()) {
    if (!mayBeLive(record) || record.grant === null) continue;
    const { target } = record.grant;
    const revokers = Object.keys(change.next.services).filter((id) =>
      executesOn(change.next, id, target, 'revoke'),
    );
    if (revokers.length === 0) {
      throw new PamError(
        'E_POL_EXECUTOR',
        `under this policy no executor could revoke ${record.id} on ${target}`,
      );
    }
  }
}

/** What a policy statement must name; all of it is known before the new files are even parsed. */
export interface PolicyVersion {
  readonly root: Sha256;
  readonly seq: number;
  readonly digest: Sha256;
  readonly previousDigest: Sha256 | null;
  readonly statements: readonly Signed[];
  readonly recordedAt: Instant;
}

/**
 * Do enough of the admins in force agree to these bytes? Asked before anything unsigned is parsed, so that a stranger's
 * policy costs a few hashes.
 */
export function adminsAgree(inForce: Policy, version: PolicyVersion): boolean {
  return signers(inForce, version).size >= inForce.admins.threshold;
}

function versionOf(change: PolicyChange): PolicyVersion {
  const { root, seq, statements, recordedAt } = change;
  return {
    root,
    seq,
    statements,
    recordedAt,
    digest: change.next.digest,
    previousDigest: change.previous?.digest ?? null,
  };
}

function signers(policy: Policy, change: PolicyVersion): ReadonlySet<string> {
  const found = new Set<string>();
  const { root, seq, digest: policySha256, previousDigest: previousSha256 } = change;
  const known = { root, seq, policySha256, previousSha256 };
  for (const signed of change.statements) {
    try {
      const { claims } = verifyStatement(policy, 'policy', signed, known, change.recordedAt);
      const alive = change.recordedAt <= plus(claims.signedAt, POLICY_STATEMENT_LIFE_SECONDS);
      if (alive && policy.admins.people.includes(claims.signer)) found.add(claims.signer);
    } catch (error) {
      expected(error);
    }
  }
  return found;
}

function adminsDiffer(a: Policy, b: Policy): boolean {
  const told = (policy: Policy): string =>
    JSON.stringify([
      policy.admins.threshold,
      [...policy.admins.people].sort(),
      [...policy.admins.people].sort().map((id) => policy.people[id]?.keys),
    ]);
  return told(a) !== told(b);
}
