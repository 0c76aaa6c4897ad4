/** What a person typed for a request: its id, the last six characters of it, or its pull request's number or URL. */
import { PamError } from '../../model/error.ts';
import type { Forge, PullRequest } from '../../model/forge.ts';
import { isRequestId, type RequestId } from '../../model/names.ts';
import type { Desk } from '../desk.ts';
import { type Freshness, needAnswer } from '../ledger/fetch-state.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { daysAround } from './about.ts';
import { readProposals } from './read-proposals.ts';

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

const SHORT = /^[a-z0-9]{6}$/u;

/** The six random characters that an id ends with. Digits alone may be the number of a pull request, too. */
export const isShortId = (text: string): boolean => SHORT.test(text);

/** What a command starts with (`freshLedger`). */
export interface Fresh {
  readonly view: LedgerView;
  readonly freshness: Freshness;
}

export async function requestNamed(desk: Desk, fresh: Fresh, text: string): Promise<RequestId> {
  if (isRequestId(text)) return text;
  const { view } = fresh;
  if (isShortId(text)) {
    const forge = await desk.forge(view.state.policy.config);
    if (!isPullRequest(text) || forge.lookUp === undefined) return await endingWith(desk, fresh, text, forge);
  }
  const { holds, place } = await lookUpPullRequest(desk, view, text);
  if (holds.kind === 'request') return holds.id;
  const why = holds.kind === 'other' ? holds.fault?.message : 'it changes policy';
  throw new PamError('E_PR_SCOPE', `${place} is no request${why === undefined ? '' : `: ${why}`}`, {
    hint: holds.kind === 'policy' ? `pam ratify ${text}` : 'see `pam status` for what is open',
  });
}

/** Of all that the ledger and the forge know now: what ended long ago is named in full. */
async function endingWith(
  desk: Desk,
  { view, freshness }: Fresh,
  text: string,
  forge: Forge,
): Promise<RequestId> {
  const days = daysAround(desk.clock());
  const proposed = (await readProposals(forge, { ids: [], days })).found.map(({ id }) => id);
  const known = [...new Set([...view.state.index.records.keys(), ...proposed])];
  const fitting = known.filter((id) => id.endsWith(`-${text}`));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (only === undefined) {
    needAnswer(freshness, text);
    throw new PamError('E_ID_UNKNOWN', `no request that is open ends with ${text}`, {
      hint: 'see `pam status` for what is open, and `pam log` for what was',
    });
  }
  throw new PamError('E_USAGE', `${fitting.length} requests end with ${text}`, {
    hint: `give the whole id: ${fitting.slice(0, 5).join(', ')}`,
  });
}
