/** A proposal with its evidence, as CI judges it: a request, a change of policy, or a pull request with nothing of pam. */
import type { Reason } from '../../model/decision.ts';
import { EXIT, type Exit, expected, type Issue, PamError } from '../../model/error.ts';
import type { Forge, PullRequest } from '../../model/forge.ts';
import { plus } from '../../model/instant.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { judgePolicyChange, tallies } from '../../rules/judge-policy-change.ts';
import type { Desk } from '../desk.ts';
import { type Looked, lookAt, lookAtAll, verdictOf } from '../gather/look-at-request.ts';
import { type Fresh, isPullRequest, lookUpPullRequest, requestNamed } from '../gather/name-request.ts';
import { ratifiableProposal } from './ratify-policy.ts';

export interface CheckedProposal {
  /** A request's id, `policy version 4`, or where it is. */
  readonly what: string;
  readonly place: string | null;
  readonly exit: Exit;
  readonly issues: readonly Issue[];
  readonly reasons: readonly Reason[];
  /** The request, where it is one. */
  readonly looked: Looked | null;
  /** Who gains and who loses what by a change of policy, one sentence a line. */
  readonly told: readonly string[];
}

export async function checkProposal(desk: Desk, fresh: Fresh, text: string): Promise<CheckedProposal> {
  if (!isPullRequest(text) || fresh.view.state.policy.config.forge.kind === 'git')
    return await checkRequest(desk, fresh, text, null);
  return await checkPullRequest(desk, fresh, await lookUpPullRequest(desk, fresh.view, text));
}

/** Every open pull request. One that cannot be judged is its own fault only. */
export async function checkOpenProposals(desk: Desk, fresh: Fresh): Promise<readonly CheckedProposal[]> {
  const forge = await desk.forge(fresh.view.state.policy.config);
  if (forge.open === undefined) {
    throw new PamError('E_USAGE', 'this access repository has no pull requests', { hint: 'pam status' });
  }
  const open = await forge.open();
  const ids = open.flatMap(({ holds }) => (holds.kind === 'request' ? [holds.id] : []));
  const looked = await lookAtAll(desk, fresh, ids);
  const checked: CheckedProposal[] = [];
  for (const pull of open) {
    if (desk.interrupted()) break;
    checked.push(await checkPullRequest(desk, fresh, pull, looked));
  }
  return checked;
}

/** So long after its end its comment is looked at: a sweep that was late, or a job that failed, still tells. */
const TELLS_FOR_SECONDS = 3 * 86_400;

/**
 * Requests whose pull requests are merged or closed, and which are not long over: what became of them.
 * @param open what was found already
 */
export async function checkClosedProposals(
  desk: Desk,
  fresh: Fresh,
  open: readonly CheckedProposal[],
): Promise<readonly CheckedProposal[]> {
  const forge = await desk.forge(fresh.view.state.policy.config);
  if (forge.tell === undefined) return [];
  const known = new Set(open.map(({ what }) => what));
  const since = plus(desk.clock(), -TELLS_FOR_SECONDS);
  const records = [...fresh.view.state.index.records.values()].filter(
    ({ id, seen, final_at: over }) => seen !== null && !known.has(id) && (over === null || over > since),
  );
  const looked = await lookAtAll(
    desk,
    fresh,
    records.map(({ id }) => id),
  );
  const places = await pullRequestsOf(forge, records);
  return records.flatMap(({ id }) => {
    const one = looked.get(id);
    const place = places.get(id);
    // What cannot be read now is told by the next run.
    if (one === undefined || one instanceof PamError || place === undefined) return [];
    return [checkLooked(one, place)];
  });
}

/** Where `seen` found it; what was merged before it was seen is looked for. */
async function pullRequestsOf(
  forge: Forge,
  records: readonly OpenRecord[],
): Promise<ReadonlyMap<RequestId, string>> {
  const places = new Map<RequestId, string>();
  for (const { id, seen } of records) {
    if (seen !== null && isPullRequest(seen.proposal)) places.set(id, seen.proposal);
  }
  const ids = records.flatMap(({ id }) => (places.has(id) ? [] : [id]));
  const found = ids.length === 0 ? [] : await forge.proposals({ ids, days: [] });
  for (const { id, place } of found) places.set(id, place);
  return places;
}

/** Puts what was found where people look, by place: one comment each, updated in place. */
export async function tellProposals(
  desk: Desk,
  { view }: Fresh,
  told: ReadonlyMap<string, string>,
): Promise<void> {
  if (told.size === 0) return;
  const forge = await desk.forge(view.state.policy.config);
  await forge.tell?.(told);
}

async function checkPullRequest(
  desk: Desk,
  fresh: Fresh,
  pull: PullRequest,
  looked?: Awaited<ReturnType<typeof lookAtAll>>,
): Promise<CheckedProposal> {
  const { holds, place } = pull;
  try {
    switch (holds.kind) {
      case 'request': {
        const known = looked?.get(holds.id);
        if (known instanceof PamError) throw known;
        return known === undefined
          ? await checkRequest(desk, fresh, holds.id, place)
          : checkLooked(known, place);
      }
      case 'policy':
        return await checkPolicyChange(desk, fresh, { ...pull, holds });
      case 'other':
        return holds.fault === undefined
          ? { ...NOTHING, what: place, place, exit: EXIT.done }
          : invalid(place, place, [{ file: place, ...holds.fault }]);
    }
  } catch (cause) {
    const error = expected(cause);
    const { code, message, issues } = error;
    return {
      ...invalid(place, place, issues.length > 0 ? issues : [{ file: place, code, message }]),
      exit: error.exit,
    };
  }
}

const NOTHING = { issues: [], reasons: [], looked: null, told: [] } as const;

const invalid = (what: string, place: string | null, issues: readonly Issue[]): CheckedProposal => ({
  ...NOTHING,
  what,
  place,
  exit: EXIT.invalid,
  issues,
});

async function checkRequest(
  desk: Desk,
  fresh: Fresh,
  text: string,
  place: string | null,
): Promise<CheckedProposal> {
  return checkLooked(await lookAt(desk, fresh, await requestNamed(desk, fresh, text)), place);
}

function checkLooked(looked: Looked, place: string | null): CheckedProposal {
  const { candidate, id } = looked;
  const where = place ?? candidate?.place ?? null;
  const decision = verdictOf(looked);
  if (decision === null) {
    const fault = candidate !== null && 'ok' in candidate.request ? candidate.request : null;
    const { code, message } = fault ?? { code: 'E_REQ_MISSING', message: 'there is no request file' };
    return { ...invalid(id, where, [{ file: candidate?.place ?? id, code, message }]), looked };
  }
  const { verdict, reasons } = decision;
  const exit = verdict === 'approved' ? EXIT.done : verdict === 'pending' ? EXIT.pending : EXIT.refused;
  return { ...NOTHING, what: id, place: where, exit, reasons, looked };
}

/** Green only when its threshold of admins signed what its head holds: before that it must not be merged. */
async function checkPolicyChange(
  desk: Desk,
  { view }: Fresh,
  pull: PullRequest & { readonly holds: { readonly kind: 'policy' } },
): Promise<CheckedProposal> {
  const { place } = pull;
  const found = await ratifiableProposal(desk, view, pull);
  if (found === undefined) return { ...NOTHING, what: place, place, exit: EXIT.done };
  const { change, told } = found;
  const counts = tallies(change);
  const reasons = counts.map(({ have, need }, at): Reason => {
    const of = counts.length > 1 ? (at === 0 ? ' of the admins in force' : ' of the new admins') : '';
    const names = have.length === 0 ? 'nobody' : have.join(', ');
    return {
      code: 'E_POL_UNSIGNED',
      ok: have.length >= need,
      message: `signed by ${names}: ${have.length} of ${need}${of}`,
    };
  });
  const complete = reasons.every(({ ok }) => ok);
  // Throws what no further signature would mend.
  if (complete) judgePolicyChange(change, view.state.index);
  const what = `policy version ${change.seq}`;
  return { ...NOTHING, what, place, exit: complete ? EXIT.done : EXIT.pending, reasons, told };
}
