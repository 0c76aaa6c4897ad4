/** Stopping: a denial, a withdrawal and a revocation are one signed statement, and final. */
import { PamError } from '../../model/error.ts';
import type { Signed, StatementOf } from '../../model/statement.ts';
import { judgeStop, type StopGround, stopGround } from '../../rules/judge-stop.ts';
import { printStatement } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import type { Desk, Signer } from '../desk.ts';
import { type Looked, topicOfLooked } from '../gather/look-at-request.ts';

/** On what stops of it are judged: what was seen, and what its file says where nothing was seen yet. */
function groundOn({ view, judged, record, id }: Looked): StopGround {
  const { root, policy } = view.state;
  return stopGround(root, policy, id, [record?.seen ?? judged?.request], record?.firsts);
}

export const stoppersOn = (looked: Looked): ReadonlySet<string> => groundOn(looked).stoppers;

export function prepareStop(looked: Looked, signer: string, because: string | null): StatementOf<'stop'> {
  const { record, view, id, now } = looked;
  if (!stoppersOn(looked).has(signer)) {
    throw new PamError('E_APR_SCOPE', `${signer} may not stop ${id}`, {
      hint: 'the requester, the subject, its approvers and the admins may',
    });
  }
  if (record !== null && ['ended', 'failed', 'stopped'].includes(record.state)) {
    throw new PamError('E_REQ_CONSUMED', `${id} is ${record.state} already; there is nothing to stop`);
  }
  return {
    type: 'stop',
    root: view.state.root,
    signer,
    signedAt: now,
    request: id,
    because: blankIsNone(because),
  };
}

const INVALID = 'E_SIG_STOP';
/** Nothing is done after these: the stop is none, or the person pressed Ctrl-C before it was out. */
const STOPS_HERE: ReadonlySet<string> = new Set([INVALID, 'E_INTERRUPTED']);

/** @param atHand an executor acts on it right away: no forge that is down or flooded may be in the way of that */
export async function signStop(
  desk: Desk,
  looked: Looked,
  statement: StatementOf<'stop'>,
  signer: Signer,
  atHand = false,
): Promise<Signed> {
  const text = printStatement(statement);
  const signed = { text, armor: await desk.sign(text, STATEMENT_KINDS.stop.namespace, signer.keyFile) };
  try {
    await publishStop(desk, looked, signed);
  } catch (error) {
    if (!atHand || !(error instanceof PamError) || STOPS_HERE.has(error.code)) throw error;
    desk.note(`the stop could not be posted, but is recorded with the ending: ${error.message}`);
  }
  return signed;
}

/** Throws unless this stop is valid and its signer entitled. */
export async function publishStop(desk: Desk, looked: Looked, signed: Signed): Promise<string> {
  const verdict = judgeStop(groundOn(looked), signed, looked.now);
  if (verdict.kind !== 'counts') {
    const why = verdict.kind === 'refused' ? `: ${verdict.why.message}` : '';
    throw new PamError(INVALID, `the stop is not validly signed by a person who may stop it${why}`, {
      hint:
        (verdict.kind === 'refused' ? verdict.why.hint : undefined) ??
        'is --key the key that policy lists for you?',
    });
  }
  const { stop } = verdict;
  const forge = await desk.forge(looked.view.state.policy.config);
  const why = stop.because === null ? '' : `: ${stop.because}`;
  await forge.publish({
    topic: topicOfLooked(looked),
    signed,
    author: stop.signer,
    type: 'stop',
    sentence: `${stop.signer} stops ${looked.id}${why}`,
    head: looked.candidate?.head ?? null,
  });
  return stop.signer;
}

/** An empty reason is none. */
const blankIsNone = (because: string | null): string | null =>
  because === null || because.trim() === '' ? null : because;
