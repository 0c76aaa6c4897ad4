/**
 * What was posted at a forge that knows accounts: signatures are the authority, clicks are intent. An approval counts
 * only where its signer's own account posted it as one; a click alone never approves, and an unsigned "no" by a named
 * approver holds the request back (DESIGN section 4). Plain Git knows no accounts: there every signed text counts.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { Reason } from '../model/decision.ts';
import { expected } from '../model/error.ts';
import type { Account, Found } from '../model/forge.ts';
import { isRequestId, type RequestId } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import type { Request } from '../model/request.ts';
import type { Signed, StatementType } from '../model/statement.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { claimedType, travelsOf } from '../trust/statements/registry.ts';
import { roleOf } from './exact-grant.ts';
import type { DecisionReason } from './judge-request.ts';
import { accountOf, approversOf, beneficiaries } from './people.ts';

export interface Sorted {
  readonly approvals: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly stops: ReadonlyMap<RequestId, readonly Signed[]>;
  readonly postings: ReadonlyMap<RequestId, readonly Found[]>;
}

/** By the type that each text claims; whether the claim is true is for the rules that verify it. */
export function sortPostings(policy: Policy, found: ReadonlyMap<string, readonly Found[]>): Sorted {
  const approvals = new Map<RequestId, readonly Signed[]>();
  const stops = new Map<RequestId, readonly Signed[]>();
  const postings = new Map<RequestId, readonly Found[]>();
  for (const [topic, all] of found) {
    if (!isRequestId(topic)) continue;
    approvals.set(topic, standing('approval', [policy], all));
    // Whichever account copied a stop to the forge, and whatever happened to the copy: it stays a stop (rule 8).
    stops.set(topic, standing('stop', [policy], all));
    postings.set(
      topic,
      all.filter(({ posted }) => posted !== null),
    );
  }
  return { approvals, stops, postings };
}

/**
 * Statements of this type that stand as they were posted: by their signer's own account and not taken back, or however
 * they came, as their type has it.
 * @param policies whose accounts count: that of the policy in force, whose forge was asked; for the next one also its
 *   own, which may bring new admins
 */
export function standing(
  type: StatementType,
  policies: readonly Policy[],
  found: readonly Found[],
): readonly Signed[] {
  const forge = policies[0]?.config.forge.kind;
  return found.flatMap((one) => {
    if (one.signed === null || claimedType(one.signed) !== type) return [];
    return policies.some((policy) => misfit(type, policy, one, forge) === undefined) ? [one.signed] : [];
  });
}

/** Why a signed text of this type does not count as the act of its signer, whatever its signature says. */
function misfit(
  type: StatementType,
  policy: Policy,
  { signed, posted, place }: Found,
  forge = policy.config.forge.kind,
): Reason | undefined {
  if (signed === null || posted === null) return undefined;
  const { account: whose, stands } = travelsOf(type);
  if (whose === 'any') return undefined;
  const signer = signerOf(signed);
  const { by, intent } = posted;
  const no = (code: ErrorCode, message: string): Reason => ({ code, ok: false, message });
  const account = `the account ${by.login} (${by.id})`;
  if (signer === undefined || personOf(policy, by, forge) !== signer) {
    return no('E_FORGE_IDENTITY', `${account} posted ${place}, and is not that of ${signer ?? 'its signer'}`);
  }
  if (intent === 'dismissed') return no('E_APR_DISMISSED', `the review of ${signer} was dismissed: ${place}`);
  return stands.includes(intent)
    ? undefined
    : no('E_APR_INTENT', `${signer} signed an approval, but did not post it as one: ${place}`);
}

function signerOf({ text }: Signed): string | undefined {
  try {
    return claimsOf(text).signer;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** The person whose numeric id it is: logins change hands. */
export function personOf(
  policy: Policy,
  { id, human }: Account,
  forge = policy.config.forge.kind,
): string | undefined {
  if (!human) return undefined;
  return Object.keys(policy.people).find((name) => accountOf(policy, forge, name)?.id === id);
}

/** @param recorded the approvals are on the ledger already: only a "no" still says something */
export function remarksOn(
  policy: Policy,
  request: Request,
  postings: readonly Found[],
  recorded: boolean,
): readonly DecisionReason[] {
  if (postings.length === 0) return [];
  const role = roleOf(policy, request.role);
  const approvers = role === undefined ? new Set<string>() : approversOf(policy, role);
  const newest = new Map<string, Found>();
  for (const one of postings) {
    const person = one.posted === null ? undefined : personOf(policy, one.posted.by);
    const decisive = one.posted?.intent === 'approve' || one.posted?.intent === 'object';
    if (person !== undefined && decisive && approvers.has(person)) newest.set(person, one);
  }
  const signers = new Set(standing('approval', [policy], postings).map(signerOf));
  const gains = beneficiaries(policy, request.requester, request.subject);
  const clicks = [...newest].flatMap(([person, { posted, signed, place }]): DecisionReason[] => {
    if (posted?.intent === 'object') {
      const message = `${person} asked for changes at ${place}; it waits until they approve there or take it back`;
      return [{ code: 'E_POL_DENIED', ok: false, message, kind: 'wait' }];
    }
    if (signed !== null || recorded || gains.has(person) || signers.has(person)) return [];
    const message = `${person} approved without a signature (${place}); \`pam approve ${request.id}\` signs`;
    return [{ code: 'E_APR_UNSIGNED', ok: false, message, kind: 'evidence' }];
  });
  if (recorded) return clicks;
  const bad = postings.flatMap((one): DecisionReason[] => {
    if (one.signed === null || claimedType(one.signed) !== 'approval') return [];
    const reason = misfit('approval', policy, one);
    return reason === undefined ? [] : [{ ...reason, kind: 'evidence' }];
  });
  return [...bad, ...clicks];
}
