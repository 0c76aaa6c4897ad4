/**
 * Counting (DESIGN section 4): people, not keys, logins or signatures. A person's latest approval counts, once,
 * for one rule of the role; people are placed so that most rules hold.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { CountedApproval, VerifiedApproval } from '../model/decision.ts';
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import type { ApprovalRule, Policy } from '../model/policy.ts';
import { members } from './people.ts';

export interface Seat {
  readonly rule: ApprovalRule;
  readonly counted: readonly CountedApproval[];
  readonly held: boolean;
}

/** Why one person's approval cannot count for one rule; `undefined` when it can. */
export interface Ineligible {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Clocks {
  readonly now: Instant;
  readonly seenAt: Instant | null;
}

/** Among one person's approvals, the latest; of two of one second always the same one, in whatever order they come. */
export function latestPerPerson(approvals: readonly VerifiedApproval[]): readonly VerifiedApproval[] {
  const latest = new Map<string, VerifiedApproval>();
  for (const approval of approvals) {
    const known = latest.get(approval.signer);
    if (known === undefined || isBefore(known, approval)) latest.set(approval.signer, approval);
  }
  return [...latest.values()].sort((a, b) => (a.signer < b.signer ? -1 : 1));
}

function isBefore(a: VerifiedApproval, b: VerifiedApproval): boolean {
  return a.signedAt === b.signedAt ? a.signed.text < b.signed.text : a.signedAt < b.signedAt;
}

export function eligibility(
  policy: Policy,
  rule: ApprovalRule,
  approval: VerifiedApproval,
  clocks: Clocks,
): Ineligible | undefined {
  return capacityProblem(policy, rule, approval, clocks) ?? presenceProblem(rule, approval);
}

function capacityProblem(
  policy: Policy,
  rule: ApprovalRule,
  approval: VerifiedApproval,
  clocks: Clocks,
): Ineligible | undefined {
  const { signer, capacity } = approval;
  const named = members(policy, rule.approvers).has(signer);
  const step = rule.fallback.find((one) => members(policy, one.approvers).has(signer));
  if (!named && step === undefined) {
    return { code: 'E_APR_SCOPE', message: `${signer} is not an approver of this role` };
  }
  if (capacity === 'named') {
    return named
      ? undefined
      : { code: 'E_APR_CAPACITY', message: `${signer} is a fallback approver but signed as a named one` };
  }
  if (capacity !== 'fallback' || step === undefined) {
    return { code: 'E_APR_CAPACITY', message: `${signer} has no such capacity here: ${capacity}` };
  }
  if (approval.because === null || approval.because.trim() === '') {
    return { code: 'E_APR_BECAUSE', message: `${signer}'s fallback approval gives no reason` };
  }
  if (clocks.seenAt === null) {
    return {
      code: 'E_APR_FALLBACK_EARLY',
      message: 'no executor has seen the request, so no fallback is due',
    };
  }
  const due = plus(clocks.seenAt, secondsOf(step.after));
  return approval.signedAt < due || clocks.now < due
    ? {
        code: 'E_APR_FALLBACK_EARLY',
        message: `${signer} may stand in from ${due} on, and signed at ${approval.signedAt}`,
      }
    : undefined;
}

function presenceProblem(rule: ApprovalRule, approval: VerifiedApproval): Ineligible | undefined {
  if (rule.presence === 'none') return undefined;
  const { signer, presence } = approval;
  if (!presence.touched) {
    return {
      code: 'E_KEY_NOT_HARDWARE',
      message: `${signer} must sign with a hardware key that was touched`,
    };
  }
  if (!approval.attested) {
    return {
      code: 'E_KEY_NOT_ATTESTED',
      message: `no attestation is on record for ${signer}'s hardware key`,
    };
  }
  if (rule.presence === 'verified' && !presence.verified) {
    return { code: 'E_SK_NO_UV', message: `${signer}'s key did not ask for a PIN or fingerprint` };
  }
  return undefined;
}

/** The placing in which most rules hold; among equals, the one in which most people count. */
export function seat(
  policy: Policy,
  rules: readonly ApprovalRule[],
  approvals: readonly VerifiedApproval[],
  clocks: Clocks,
): readonly Seat[] {
  const fits = rules.map((rule) =>
    approvals.map((one) => eligibility(policy, rule, one, clocks) === undefined),
  );
  const placed = bestPlacing(
    rules.map((rule) => rule.threshold),
    fits,
    approvals.length,
  );
  return rules.map((rule, at) => {
    const counted = approvals.filter((_, who) => placed[who] === at).map((one) => ({ ...one, rule: at }));
    return { rule, counted, held: counted.length >= rule.threshold };
  });
}

/**
 * For every subset of rules, largest first: can all of it be filled? A rule with threshold n is n chairs; people
 * are matched to chairs by augmenting paths. At most 8 rules a role (`judge-policy`), so 256 small matchings.
 */
function bestPlacing(
  thresholds: readonly number[],
  fits: readonly (readonly boolean[])[],
  people: number,
): number[] {
  const subsets = Array.from({ length: 2 ** thresholds.length }, (_, bits) =>
    thresholds.flatMap((_threshold, rule) => ((bits >> rule) & 1 ? [rule] : [])),
  ).sort((a, b) => b.length - a.length);
  for (const subset of subsets) {
    const chairs = subset.flatMap((rule) => Array.from({ length: thresholds[rule] ?? 0 }, () => rule));
    const seats = match(chairs, fits, people);
    if (seats.every((who) => who !== undefined)) {
      // The rest may still help a rule along that does not hold yet; it shows how many are missing.
      const spare = thresholds.flatMap((count, rule) =>
        subset.includes(rule) ? [] : Array.from({ length: Math.max(0, count - 1) }, () => rule),
      );
      const all = [...chairs, ...spare];
      return placesOf(all, match(all, fits, people), people);
    }
  }
  return placesOf([], [], people);
}

/** For each chair the index of the person on it. Earlier chairs never lose theirs to later ones. */
export function match(
  chairs: readonly number[],
  fits: readonly (readonly boolean[])[],
  people: number,
): readonly (number | undefined)[] {
  const chairOf: (number | undefined)[] = Array.from({ length: people });
  const sit = (chair: number, tried: Set<number>): boolean => {
    for (let who = 0; who < people; who++) {
      if (tried.has(who) || fits[chairs[chair] ?? -1]?.[who] !== true) continue;
      tried.add(who);
      const other = chairOf[who];
      if (other === undefined || sit(other, tried)) {
        chairOf[who] = chair;
        return true;
      }
    }
    return false;
  };
  chairs.forEach((_, chair) => void sit(chair, new Set()));
  return chairs.map((_, chair) => {
    const who = chairOf.indexOf(chair);
    return who === -1 ? undefined : who;
  });
}

function placesOf(
  chairs: readonly number[],
  seats: readonly (number | undefined)[],
  people: number,
): number[] {
  const places = Array.from({ length: people }, () => -1);
  seats.forEach((who, chair) => {
    if (who !== undefined) places[who] = chairs[chair] ?? -1;
  });
  return places;
}
