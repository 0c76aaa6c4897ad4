/** Ratify: an admin signs the next policy version, on main or on its way there, after seeing who gains what. */
import type { Reason } from '../../model/decision.ts';
import { type Issue, PamError, placeOfIssue } from '../../model/error.ts';
import { isPlainGit } from '../../model/policy.ts';
import type { Forge, Posting, PullRequest } from '../../model/forge.ts';
import type { Signed, StatementOf } from '../../model/statement.ts';
import {
  judgePolicyChange,
  type PolicyChange,
  type Side,
  sidesShortOf,
  type Tally,
  tallies,
} from '../../rules/judge-policy-change.ts';
import { tellLiveKeys } from '../../rules/tell-live-keys.ts';
import { standing } from '../../rules/judge-postings.ts';
import { tellPolicyChange } from '../../rules/tell-policy-change.ts';
import { printStatement } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import type { Desk, Executor, Signer } from '../desk.ts';
import { tellingPeople } from '../notices/tell-people.ts';
import { recordPolicy } from '../executor/record-policy.ts';
import { freshLedger } from '../gather/look-at-request.ts';
import { needOwnAccount } from './own-account.ts';
import { isPullRequest, lookUpPullRequest } from '../gather/name-request.ts';
import { bringToMain, type PolicyBranch, policyBranch, policyNamed, policyToCome } from './policy-branch.ts';
import { needKnownVersion } from '../ledger/walk/newer-version.ts';
import { type LedgerView, readLedger } from '../ledger/read-ledger.ts';
import {
  judgeSettling,
  type NewPolicy,
  policyOf,
  policyOnMain,
  policyPosting,
  policyTopic,
  statementsOnPolicy,
} from '../gather/policy-on-main.ts';

export interface Ratifiable {
  readonly view: LedgerView;
  readonly change: PolicyChange;
  /** The pull request that proposes it; `null` when it is what main holds. */
  readonly proposed: Pick<PullRequest, 'place' | 'head'> | null;
  /** Plain Git: the commit that brings it, while main does not hold it. */
  readonly branch: PolicyBranch | null;
  /** Who gains and who loses what, one sentence a line. */
  readonly told: readonly string[];
}

/** What main holds, or on plain Git what is on its way there; `undefined` when there is nothing to sign. */
export async function ratifiable(desk: Desk): Promise<Ratifiable | undefined> {
  const { view } = await freshLedger(desk);
  needKnownVersion(view);
  const found = await policyOnMain(desk, view);
  if (found !== undefined) return await ratifiableAs(desk, view, found, null);
  if (!isPlainGit(view.state.policy.config.forge)) return undefined;
  return await ratifiableOn(desk, view, await policyToCome(desk, view));
}

async function ratifiableOn(
  desk: Desk,
  view: LedgerView,
  branch: PolicyBranch | undefined,
): Promise<Ratifiable | undefined> {
  if (branch === undefined) return undefined;
  return { ...(await ratifiableAs(desk, view, branch.found, null)), branch };
}

/** @param text the number or URL of a pull request; on plain Git a branch or a commit */
export async function ratifiableAt(desk: Desk, text: string): Promise<Ratifiable | undefined> {
  const { view } = await freshLedger(desk);
  needKnownVersion(view);
  if (isPlainGit(view.state.policy.config.forge))
    return await ratifiableOn(desk, view, await policyNamed(desk, view, text));
  if (!isPullRequest(text)) {
    throw new PamError('E_USAGE', `${JSON.stringify(text)} is no pull request`, {
      hint: 'give its number or URL',
    });
  }
  const pull = await lookUpPullRequest(desk, view, text);
  const { holds, place } = pull;
  if (holds.kind === 'policy') return await ratifiableProposal(desk, view, { ...pull, holds });
  const fault = holds.kind === 'other' ? holds.fault : undefined;
  throw new PamError(
    fault?.code ?? 'E_PR_SCOPE',
    `${place} is no change of policy: ${fault?.message ?? holds.kind}`,
    {
      hint: 'a policy pull request touches only pam.yaml and policy/',
    },
  );
}

/** What a pull request would make the policy; `undefined` when that is the policy in force. */
export async function ratifiableProposal(
  desk: Desk,
  view: LedgerView,
  proposed: PullRequest & { readonly holds: { readonly kind: 'policy' } },
): Promise<Ratifiable | undefined> {
  const found = policyOf(desk, view, proposed.holds.files);
  return found === undefined ? undefined : await ratifiableAs(desk, view, found, proposed);
}

async function ratifiableAs(
  desk: Desk,
  view: LedgerView,
  found: NewPolicy,
  proposed: Pick<PullRequest, 'place' | 'head'> | null,
): Promise<Ratifiable> {
  const previous = found.seq === 1 ? null : view.state.policy;
  const { policy: next, warnings } = found.read();
  await judgeSettling(desk, view, next);
  const { seq } = found;
  const posted = await statementsOnPolicy(desk, view, policyTopic(seq, proposed?.place ?? null));
  const statements = standing('policy', [view.state.policy, next], posted);
  const change = { root: view.state.root, seq, next, previous, statements, recordedAt: desk.clock() };
  const told = [
    ...tellPolicyChange(previous, next),
    ...tellLiveKeys(view.state.index, next),
    ...warnings.map(tellWarning),
  ];
  return { view, change, proposed, branch: null, told };
}

function tellWarning(issue: Issue): string {
  return `! ${placeOfIssue(issue)} ${issue.path ?? ''} ${issue.message} [${issue.code}]`;
}

export interface Ratified {
  readonly seq: number;
  readonly digest: string;
  readonly tallies: readonly Tally[];
  /** Which lack this signer, whose keys change: on these sides another key of theirs counts. */
  readonly otherKeyFor: readonly Side[];
  /** Already written to the ledger, because an executor was at hand. */
  readonly inForce: boolean;
  /** Main was moved to it with this signature. */
  readonly onMain: boolean;
}

export async function ratify(
  desk: Desk,
  found: Ratifiable,
  signer: Signer,
  executor: Executor | null,
): Promise<Ratified> {
  const { change, view } = found;
  const judges = [change.previous ?? change.next, change.next];
  if (!judges.some(({ admins }) => admins.people.includes(signer.id))) {
    throw new PamError('E_POL_ADMIN', `${signer.id} is not an admin`, {
      hint: 'admins stand in policy/people.yaml',
    });
  }
  const forge = await desk.forge(view.state.policy.config);
  await needOwnAccount(forge, judges, signer.id);
  const statement: StatementOf<'policy'> = {
    type: 'policy',
    root: change.root,
    signer: signer.id,
    signedAt: change.recordedAt,
    seq: change.seq,
    policySha256: change.next.digest,
    previousSha256: change.previous?.digest ?? null,
  };
  const text = printStatement(statement);
  const signed: Signed = {
    text,
    armor: await desk.sign(text, STATEMENT_KINDS.policy.namespace, signer.keyFile),
  };
  if (!tallies({ ...change, statements: [signed] }).some(({ have }) => have.includes(signer.id))) {
    throw new PamError('E_KEY_PRINCIPAL', `that signature does not count for ${signer.id}`, {
      hint: 'is --key the key that policy lists for you, and valid now?',
    });
  }
  const now = { ...change, statements: [...change.statements, signed] };
  const counted = tallies(now);
  const complete = counted.every(({ have, need }) => have.length >= need);
  const posting = policyPosting(change.seq, found.proposed?.place ?? null, signed, signer.id);
  if (found.branch === null) await forge.publish({ ...posting, head: found.proposed?.head ?? null });
  else await publishBranch(desk, found.view, forge, { ...now, branch: found.branch, posting, complete });
  const recordable = complete && executor !== null && found.proposed === null && !desk.interrupted();
  const inForce = recordable ? (await recordNow(desk, executor)) === change.seq : false;
  const otherKeyFor = sidesShortOf(now, signer.id);
  const { seq, next } = change;
  const onMain = found.branch !== null && complete;
  return { seq, digest: next.digest, tallies: counted, otherKeyFor, inForce, onMain };
}

/** By the executor at hand. @returns the number of the policy that came into force */
async function recordNow(desk: Desk, executor: Executor): Promise<number | null> {
  const { recorded, troubles } = await tellingPeople(desk, executor, undefined, async (heard) => {
    const { recorded: seq, view } = await recordPolicy(heard, executor, await readLedger(heard, executor));
    const leaves = { state: view.state, situation: null, open: () => [] };
    const none: readonly Reason[] = [];
    return { result: { recorded: seq, troubles: none }, leaves };
  });
  for (const { code, message } of troubles) desk.note(`${message} [${code}]`);
  return recorded;
}

/** The statement with the branch that the other admins sign, or with main when it was the last one: in one push. */
async function publishBranch(
  desk: Desk,
  view: LedgerView,
  forge: Forge,
  {
    branch,
    posting,
    complete,
    ...change
  }: PolicyChange & {
    readonly branch: PolicyBranch;
    readonly posting: Posting;
    readonly complete: boolean;
  },
): Promise<void> {
  // What no executor would put in force must not get to main, where it would stop every grant.
  if (complete) judgePolicyChange(change, view.state.index);
  const written = desk.remote === null ? undefined : await forge.write?.(posting);
  if (written === undefined) await forge.publish(posting);
  const beside = written === undefined ? [] : [written];
  if (complete) {
    const left = await bringToMain(desk, view, branch, posting.author, beside);
    if (left !== null) desk.note(`your checkout was left as it is: ${left}`);
    return;
  }
  if (desk.remote === null || written === undefined) return;
  const name = policyBranch(change.seq);
  const ref = `refs/heads/${name}`;
  const remote = await desk.remote.open();
  if ((await remote.push([written, { oid: branch.commit, ref }])) === 'moved') return;
  await forge.publish(posting);
  desk.note(`${name} holds something else; other admins sign this one with: pam ratify ${branch.name}`);
}
