/** What a person typed for a request: its id, or its pull request's number or URL. */
import { PamError } from '../../model/error.ts';
import type { PullRequest } from '../../model/forge.ts';
import { isRequestId, type RequestId } from '../../model/names.ts';
import type { Desk } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

const PULL_REQUEST = /^(?:#?[1-9]\d{0,9}|https?:\/\/\S{1,500})$/u;

export const isPullRequest = (text: string): boolean => PULL_REQUEST.test(text);

export async function lookUpPullRequest(desk: Desk, view: LedgerView, text: string): Promise<PullRequest> {
  const forge = await desk.forge(view.state.policy.config);
  if (forge.lookUp === undefined) {
    const hint = desk.offline
      ? 'without the network a pull request cannot be looked up; give the id'
      : 'this access repository has no pull requests; `pam status` lists the ids';
    throw new PamError('E_USAGE', `${JSON.stringify(text)} is not a request id`, { hint });
  }
  return await forge.lookUp(text);
}

export async function requestNamed(desk: Desk, view: LedgerView, text: string): Promise<RequestId> {
  if (isRequestId(text)) return text;
  const { holds, place } = await lookUpPullRequest(desk, view, text);
  if (holds.kind === 'request') return holds.id;
  const why = holds.kind === 'other' ? holds.fault?.message : 'it changes policy';
  throw new PamError('E_PR_SCOPE', `${place} is no request${why === undefined ? '' : `: ${why}`}`, {
    hint: holds.kind === 'policy' ? `pam ratify ${text}` : 'see `pam status` for what is open',
  });
}
