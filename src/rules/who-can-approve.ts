/**
 * Who can still bring a request to its approval. One person sits on one chair of one rule, so this is a matching, never a
 * count: two rules that only bob may sign can never both hold. Keys and presence are not looked at; policy is judged for
 * those by itself.
 */
import type { Helper, VerifiedApproval } from '../model/decision.ts';
import { type Duration, type Instant, plus, secondsOf } from '../model/instant.ts';
import type { ApprovalRule, Policy, Role } from '../model/policy.ts';
import { type Clocks, eligibility, match } from './count-approvals.ts';
import type { DecisionReason } from './judge-request.ts';
import { approversOf, members } from './people.ts';

/** A reason only where no set of approvals could ever be enough: with `excluded`, those who gain, left out. */
export function judgeApprovers(policy: Policy, role: Role, excluded: ReadonlySet<string>): DecisionReason[] {
  const people = [...approversOf(policy, role)].filter((id) => !excluded.has(id));
  const fits = role.approval.map((rule) => people.map((id) => stepsOf(policy, rule, id).length > 0));
  const chairs = chairsOf(role);
  const most = seated(chairs, fits, people.length);
  if (most === chairs.length) return [];
  const left = people.length === 0 ? 'no approver is left' : `only ${people.join(', ')} may approve`;
  const message = `this can never be approved: it needs ${chairs.length} ${chairs.length === 1 ? 'person' : 'different people'}, and without those who gain by it ${left}`;
  return [{ code: 'E_POL_NOBODY', ok: false, message, kind: 'rule' }];
}

export interface Given {
  readonly policy: Policy;
  readonly role: Role;
  readonly excluded: ReadonlySet<string>;
  /** The valid approvals, one a person. */
  readonly approvals: readonly VerifiedApproval[];
  readonly clocks: Clocks;
}

/**
 * Everybody whose approval would bring it nearer, for each rule that it could count for; none where what was given cannot
 * be completed. People who signed already are not among them.
 */
export function helpers({ policy, role, excluded, approvals, clocks }: Given): readonly Helper[] {
  const chairs = chairsOf(role);
  const signers = approvals.map(({ signer }) => signer);
  const others = [...approversOf(policy, role)].filter((id) => !excluded.has(id) && !signers.includes(id));
  const signed = role.approval.map((rule) =>
    approvals.map((one) => eligibility(policy, rule, one, clocks) === undefined),
  );
  const fits = role.approval.map((rule, at) => [
    ...(signed[at] ?? []),
    ...others.map((id) => stepsOf(policy, rule, id).length > 0),
  ]);
  const all = signers.length + others.length;
  const have = seated(chairs, signed, signers.length);
  if (seated(chairs, fits, all) < chairs.length) return [];
  return role.approval.flatMap((rule, at): Helper[] => {
    const rest = chairs.toSpliced(chairs.indexOf(at), 1);
    // What was signed must keep its weight without that chair, and the others must be able to fill the rest.
    if (seated(rest, signed, signers.length) < have) return [];
    // People who may sit on the same chairs are alike, and a group may be large.
    const known = new Map<string, boolean>();
    const fills = (who: number): boolean => {
      const alike = fits.map((row) => (row[who] === true ? '1' : '0')).join('');
      const rested =
        known.get(alike) ??
        seated(
          rest,
          fits.map((row) => row.toSpliced(who, 1)),
          all - 1,
        ) === rest.length;
      known.set(alike, rested);
      return rested;
    };
    return others.flatMap((person, who): Helper[] => {
      const [step] = stepsOf(policy, rule, person);
      if (step === undefined || !fills(signers.length + who)) return [];
      const { after } = step;
      if (after === null) return [{ person, rule: at, from: clocks.now, capacity: 'named' }];
      const from = clocks.seenAt === null ? null : plus(clocks.seenAt, secondsOf(after));
      return [{ person, rule: at, from, capacity: 'fallback', after }];
    });
  });
}

/** One line of it for people: who may now, then who from when on. */
export function tellHelpers(found: readonly Helper[], now: Instant): string {
  const may = namesNow(found, now);
  const words = may.length === 0 ? [] : [`${may.join(', ')} may approve`];
  const later = found.filter(({ person }) => !may.includes(person));
  for (const { person, from, after } of earliest(later))
    words.push(
      from === null
        ? `${person} too ${after ?? ''} after an executor has seen it, with --reason`
        : `${person} too from ${from} on, with --reason`,
    );
  return words.join('; ');
}

export const namesNow = (found: readonly Helper[], now: Instant): readonly string[] => [
  ...new Set(found.filter(({ from }) => from !== null && from <= now).map(({ person }) => person)),
];

/** Of each person the first moment, where that is not now. `from` is `null` while no executor has seen the request. */
export function namesLater(
  found: readonly Helper[],
  now: Instant,
): readonly { readonly person: string; readonly from: Instant | null }[] {
  const may = namesNow(found, now);
  return earliest(found.filter(({ person }) => !may.includes(person))).map(({ person, from }) => ({
    person,
    from,
  }));
}

function earliest(found: readonly Helper[]): readonly Helper[] {
  const first = new Map<string, Helper>();
  for (const one of found) {
    const known = first.get(one.person);
    if (known === undefined || (one.from ?? '') < (known.from ?? '')) first.set(one.person, one);
  }
  return [...first.values()];
}

/** A rule with threshold n is n chairs, each the number of its rule. */
const chairsOf = ({ approval }: Role): readonly number[] =>
  approval.flatMap(({ threshold }, at) => Array.from({ length: threshold }, () => at));

const seated = (chairs: readonly number[], fits: readonly (readonly boolean[])[], people: number): number =>
  match(chairs, fits, people).filter((who) => who !== undefined).length;

/** The ways in which this person may sign for the rule: as named (`after` is `null`), then the earliest fallback. */
function stepsOf(
  policy: Policy,
  rule: ApprovalRule,
  person: string,
): readonly { readonly after: Duration | null }[] {
  if (members(policy, rule.approvers).has(person)) return [{ after: null }];
  const steps = rule.fallback.filter((step) => members(policy, step.approvers).has(person));
  return steps.toSorted((a, b) => secondsOf(a.after) - secondsOf(b.after)).slice(0, 1);
}
