/**
 * Approving: show, sign, verify, publish. What is signed is the exact grant that was shown; what is published was
 * verified here first, with the rules that will count it.
 */
import type { Decision, VerifiedApproval } from '../../model/decision.ts';
import { EXIT, PamError } from '../../model/error.ts';
import type { Forge } from '../../model/forge.ts';
import { type Instant, plus, secondsOf } from '../../model/instant.ts';
import type { Policy, Role } from '../../model/policy.ts';
import type { Request } from '../../model/request.ts';
import type { Capacity, Signed, StatementOf } from '../../model/statement.ts';
import { eligibility } from '../../rules/count-approvals.ts';
import { approvalTimes, decide, type Snapshot } from '../../rules/decide.ts';
import { orDidYouMean } from '../../rules/did-you-mean.ts';
import { roleOf } from '../../rules/exact-grant.ts';
import { approversOf, beneficiaries, isPerson, members } from '../../rules/people.ts';
import { nextStep } from '../../rules/next-step.ts';
import { verifyApproval } from '../../rules/verify-approvals.ts';
import { printStatement } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import type { Desk, Signer } from '../desk.ts';
import { needOwnAccount } from './own-account.ts';
import { type Looked, topicOfLooked } from '../gather/look-at-request.ts';
import { needKnownVersion } from '../ledger/walk/newer-version.ts';

export interface Prepared {
  readonly statement: StatementOf<'approval'>;
  readonly text: string;
  readonly decision: Decision;
}

/** What this person would sign. Throws when they may not, when it is too early, or when it cannot be granted. */
export function prepareApproval(looked: Looked, signer: string, because: string | null): Prepared {
  const { view, judged, id, now } = looked;
  needKnownVersion(view);
  if (judged === null)
    throw new PamError('E_REQ_UNREADABLE', `${id} holds no valid request`, { exit: EXIT.invalid });
  const { policy, root, seq, head } = view.state;
  const { request, decision, snapshot } = judged;
  const role = roleOf(policy, request.role);
  if (decision.grant === null || role === undefined) throw refusedBy(decision);
  judgeSigner(policy, role, signer, excludedFrom(looked, request), id);
  if (decision.final) throw refusedBy(decision);
  const seenAt = looked.record?.seen?.at ?? null;
  const capacity = capacityOf(policy, role, signer, seenAt, now);
  if (capacity !== 'named' && (because ?? '').trim() === '') {
    throw new PamError('E_USAGE', `a ${capacity} approval needs a reason`, {
      hint: 'add --reason "why the named approver cannot"',
    });
  }
  const statement: StatementOf<'approval'> = {
    type: 'approval',
    root,
    signer,
    signedAt: now,
    request: id,
    requestSha256: snapshot.requestSha256,
    grant: decision.grant,
    capacity,
    because,
    ledger: { seq, head },
  };
  return { statement, text: printStatement(statement), decision };
}

/** Is this person an approver of the role, and in none of its rules a named one? Whether it is time for them is not asked. */
export function standsIn({ judged, view }: Looked, person: string): boolean {
  const { policy } = view.state;
  const role = judged === null ? undefined : roleOf(policy, judged.request.role);
  if (role === undefined || !approversOf(policy, role).has(person)) return false;
  return !role.approval.some((rule) => members(policy, rule.approvers).has(person));
}

/** This person's approval that counts already; a second one would change nothing. */
export const approvedBefore = ({ judged }: Looked, person: string): VerifiedApproval | undefined =>
  judged?.decision.final === true
    ? undefined
    : judged?.decision.counted.find(({ signer }) => signer === person);

/** The step that moves the request on, with one more statement than were found; `null` where nothing does. */
export function stepAfter({ judged, candidate, view, now }: Looked, signed?: Signed): string | null {
  if (judged === null || candidate === null) return null;
  const { snapshot } = judged;
  const approvals = signed === undefined ? snapshot.approvals : [...snapshot.approvals, signed];
  const { seq, head, policy } = view.state;
  const witnesses: Snapshot['witnesses'] = {
    get: (at) => (at === seq ? head : snapshot.witnesses.get(at)),
  };
  return nextStep(policy.config.forge, candidate, decide({ ...snapshot, approvals, witnesses }, now));
}

function excludedFrom(looked: Looked, request: Request): ReadonlySet<string> {
  const gains = beneficiaries(looked.view.state.policy, request.requester, request.subject);
  return new Set([...gains, ...(looked.record?.seen?.owners ?? [])]);
}

function refusedBy(decision: Decision): PamError {
  const failing = decision.reasons.filter((one) => !one.ok);
  const [first] = failing;
  const issues = failing.map(({ code, message }) => ({ file: '', code, message }));
  return new PamError(first?.code ?? 'E_POL_ROLE', first?.message ?? 'it cannot be granted', {
    issues,
    exit: EXIT.refused,
  });
}

function judgeSigner(
  policy: Policy,
  role: Role,
  signer: string,
  excluded: ReadonlySet<string>,
  id: string,
): void {
  if (Object.hasOwn(policy.services, signer)) {
    throw new PamError('E_APR_NONHUMAN', `${signer} is a service; only people approve`);
  }
  if (!isPerson(policy, signer))
    throw new PamError('E_KEY_UNKNOWN', `policy names no ${signer}`, {
      hint: `say who you are: --as, or git config --global pam.person <name>${orDidYouMean(signer, Object.keys(policy.people))}`,
    });
  if (excluded.has(signer)) {
    throw new PamError('E_APR_SELF', `${signer} gains by ${id} and may not approve it`, {
      hint: 'somebody else has to sign; `pam show` lists who may',
    });
  }
  if (!approversOf(policy, role).has(signer)) {
    throw new PamError('E_APR_SCOPE', `${signer} is not an approver of this role`, {
      hint: '`pam show` lists who may approve',
    });
  }
}

/** `named` where possible; else `fallback`, if it is due. Before that nothing is signed. */
function capacityOf(
  policy: Policy,
  role: Role,
  signer: string,
  seenAt: Instant | null,
  now: Instant,
): Capacity {
  if (role.approval.some((rule) => members(policy, rule.approvers).has(signer))) return 'named';
  const steps = role.approval.flatMap((rule) =>
    rule.fallback.filter((one) => members(policy, one.approvers).has(signer)),
  );
  if (seenAt === null) {
    throw new PamError(
      'E_APR_FALLBACK_EARLY',
      'no executor has seen the request yet, so the fallback clock does not run',
      {
        exit: EXIT.pending,
        hint: 'it starts with the next `pam apply`',
      },
    );
  }
  const due = steps.map((step) => plus(seenAt, secondsOf(step.after))).sort()[0];
  if (due === undefined || now < due) {
    throw new PamError('E_APR_FALLBACK_EARLY', `${signer} may stand in from ${due ?? 'never'} on`, {
      exit: EXIT.pending,
      hint: 'the named approvers come first; try again then',
    });
  }
  return 'fallback';
}

/** Throws unless this signed approval would count now, for at least one rule. */
export function judgeApproval(looked: Looked, signed: Signed): VerifiedApproval {
  const { judged, view, now, record } = looked;
  needKnownVersion(view);
  const { policy } = view.state;
  if (judged?.decision.grant == null)
    throw new PamError('E_REQ_UNREADABLE', `${looked.id} cannot be granted`);
  const { request, snapshot, decision } = judged;
  const role = roleOf(policy, request.role);
  const approval = verifyApproval(
    {
      ...snapshot,
      grant: judged.decision.grant,
      beneficiaries: excludedFrom(looked, request),
      recordedAt: now,
      times: role === undefined ? null : approvalTimes(snapshot, role),
      witnesses: {
        get: (seq) => (seq === view.state.seq ? view.state.head : snapshot.witnesses.get(seq)),
      },
    },
    signed,
  );
  const clocks = { now, seenAt: record?.seen?.at ?? null };
  const problems = (role?.approval ?? []).map((rule) => eligibility(policy, rule, approval, clocks));
  const problem = problems.find((one) => one?.code !== 'E_APR_SCOPE') ?? problems[0];
  if (problem !== undefined && problems.every((one) => one !== undefined)) {
    throw new PamError(problem.code, problem.message, { exit: EXIT.refused });
  }
  if (decision.final) throw refusedBy(decision);
  return approval;
}

export async function signApproval(
  desk: Desk,
  looked: Looked,
  prepared: Prepared,
  signer: Signer,
): Promise<VerifiedApproval> {
  const forge = await ownForge(desk, looked, signer.id);
  const armor = await desk.sign(prepared.text, STATEMENT_KINDS.approval.namespace, signer.keyFile);
  const signed = { text: prepared.text, armor };
  return await publish(forge, looked, signed, judgeApproval(looked, signed));
}

/** One that was signed elsewhere. */
export async function publishApproval(desk: Desk, looked: Looked, signed: Signed): Promise<VerifiedApproval> {
  const approval = judgeApproval(looked, signed);
  return await publish(await ownForge(desk, looked, approval.signer), looked, signed, approval);
}

async function ownForge(desk: Desk, { view }: Looked, signer: string): Promise<Forge> {
  const { policy } = view.state;
  const forge = await desk.forge(policy.config);
  await needOwnAccount(forge, [policy], signer);
  return forge;
}

async function publish(
  forge: Forge,
  looked: Looked,
  signed: Signed,
  approval: VerifiedApproval,
): Promise<VerifiedApproval> {
  const { signer, capacity, because } = approval;
  const as = capacity === 'named' ? '' : ` as ${capacity}: ${because ?? ''}`;
  await forge.publish({
    topic: topicOfLooked(looked),
    signed,
    author: signer,
    type: 'approval',
    sentence: `${signer} approves exactly this${as}`,
    head: looked.candidate?.head ?? null,
  });
  return approval;
}
