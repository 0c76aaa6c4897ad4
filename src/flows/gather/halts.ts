/** What stops every grant of a run, while revocations go on (DESIGN rule 6). */
import type { ErrorCode } from '../../model/error-codes.ts';
import type { Reason } from '../../model/decision.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { Oid } from '../../model/names.ts';
import { readNewPolicy } from '../../documents/policy-files.ts';
import { expected, Interrupted, type PamError, placeOfIssue } from '../../model/error.ts';
import type { Found } from '../../model/forge.ts';
import { isPlainGit, type Policy } from '../../model/policy.ts';
import { tallies } from '../../rules/judge-policy-change.ts';
import { standing } from '../../rules/judge-postings.ts';
import { policyTopic, statementsOnPolicy } from './policy-on-main.ts';
import { newestOrdered } from '../../rules/follow-chain.ts';
import { judgeNewPolicy } from '../../rules/judge-new-policy.ts';
import { lateSweep } from '../../rules/judge-sweep.ts';
import { UNBUILT_CODE, unbuiltInForce } from '../../rules/unbuilt.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import { treeDigest } from '../../trust/digest.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../trust/keyring.ts';
import type { Desk } from '../desk.ts';
import type { Freshness } from '../ledger/fetch-state.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { policyFilesOf } from '../ledger/walk/ledger-files.ts';
import { withHistory } from '../ledger/walk/with-history.ts';

const halt = (code: ErrorCode, message: string): Reason => ({ code, ok: false, message });

export async function haltsOf(
  desk: Desk,
  view: LedgerView,
  main: Oid | undefined,
  freshness: Freshness,
  now: Instant,
): Promise<readonly Reason[]> {
  const halts = [...view.troubles];
  if (!freshness.fresh)
    halts.push(halt('E_FORGE_STALE', `the newest state could not be read: ${freshness.why}`));
  if (main === undefined) {
    halts.push(halt('E_POL_MISSING', `there is no branch ${desk.hint.main}`));
  } else {
    halts.push(...(await Promise.all([policyHalts(desk, view, main), mainHalts(desk, view, main)])).flat());
  }
  return [...halts, ...newRuleHalts(view), ...clockHalts(view, now), ...sweepHalts(view, now)];
}

/** A policy that came into force before a rule did stays in force; nothing is granted under it. */
const newRuleHalts = ({ state: { policy } }: LedgerView): Reason[] =>
  judgeNewPolicy(policy).map(({ code, path, message }) => halt(code, `policy in force, ${path}: ${message}`));

const agreed = new WeakMap<ChainState, Oid>();

/** Does that commit of main hold the policy in force? It never holds another one later, so it is read once. */
async function holdsPolicy(desk: Desk, { state }: LedgerView, main: Oid): Promise<boolean> {
  if (agreed.get(state) === main) return true;
  const holds = treeDigest(await policyFilesOf(desk.repository, main)) === state.policy.digest;
  if (holds) agreed.set(state, main);
  return holds;
}

/** Main must hold exactly the signed policy, and this pam must obey all of it; until then nothing is granted. */
export async function policyHalts(desk: Desk, view: LedgerView, main: Oid): Promise<Reason[]> {
  const unbuilt = unbuiltInForce(view.state.policy).map((message) => halt(UNBUILT_CODE, message));
  return [...(await unsignedHalts(desk, view, main)), ...unbuilt];
}

/** While main holds another policy than the one in force, older ones included. */
async function unsignedHalts(desk: Desk, view: LedgerView, main: Oid): Promise<Reason[]> {
  const seq = view.state.index.beats?.policy.seq ?? 0;
  if (seq === 0)
    return [halt('E_POL_UNSIGNED', 'no policy is in force yet; an admin signs it with `pam ratify`')];
  const where = `${desk.hint.main} at ${main.slice(0, 12)}`;
  try {
    if (await holdsPolicy(desk, view, main)) return [];
    const files = await policyFilesOf(desk.repository, main);
    const { policy: next } = readNewPolicy(files, treeDigest(files), desk.providers, desk.clock());
    const signed = await signedSoFar(desk, view, next);
    if (signed !== undefined) return [halt('E_POL_UNSIGNED', `the policy on ${where} is ${signed}`)];
  } catch (cause) {
    const error = expected(cause);
    return [halt('E_POL_UNSIGNED', `the policy on ${where} cannot be read: ${firstPlace(error)}`)];
  }
  return [
    halt(
      'E_POL_UNSIGNED',
      `the policy on ${where} is not the one in force (version ${seq}); admins sign it with \`pam ratify\`, then \`pam apply\` puts it in force`,
    ),
  ];
}

/**
 * How far it is, where an admin signed it. Plain Git alone: its statements came with the fetch, and a forge would have to
 * be asked about it in every command.
 */
async function signedSoFar(desk: Desk, view: LedgerView, next: Policy): Promise<string | undefined> {
  const { root, policy, index } = view.state;
  if (!isPlainGit(policy.config.forge)) return undefined;
  const seq = (index.beats?.policy.seq ?? 0) + 1;
  const posted = await statementsOnPolicy(desk, view, policyTopic(seq, null)).catch(nothingKnown);
  const statements = standing('policy', [policy, next], posted);
  const counts = tallies({ root, seq, next, previous: policy, statements, recordedAt: desk.clock() });
  if (counts.every(({ have }) => have.length === 0)) return undefined;
  const told = counts.map(({ have, need }) => `${have.length} of ${need}`).join(', and of the new admins ');
  return counts.every(({ have, need }) => have.length >= need)
    ? `signed (${told}); the next \`pam apply\` or \`pam sweep\` puts it in force as version ${seq}`
    : `signed by ${told}; the other admins sign it with \`pam ratify\``;
}

/** What is said beside a halt must not be a fault of its own. */
function nothingKnown(error: unknown): readonly Found[] {
  expected(error);
  return [];
}

/** The first thing that is wrong, with file, line and column, and how many more there are. */
function firstPlace({ message, issues }: PamError): string {
  // A misspelt field is also one that is missing; its own place is where a person has to look.
  const first = issues.find((one) => one.message.includes('did you mean')) ?? issues[0];
  if (first === undefined) return message;
  const more = issues.length === 1 ? '' : ` (${issues.length - 1} more; \`pam check\` lists them)`;
  return `${placeOfIssue(first)} ${first.message}${more}`;
}

export async function mainHalts(desk: Desk, view: LedgerView, main: Oid): Promise<Reason[]> {
  const last = view.state.index.beats?.apply?.main;
  if (last === undefined || last === main) return [];
  // The ledger says it, so it has the shape of an object id; whether it is one of main's is the question.
  const descends = async (): Promise<boolean> => await desk.repository.isAncestor(last as Oid, main);
  const known = await withHistory(desk, descends).catch(notKnown);
  return known
    ? []
    : [halt('E_LED_MAIN', `main no longer descends from ${last.slice(0, 12)}, which apply read before`)];
}

/** Whether main descends cannot be said here; an interrupt says nothing about main. */
function notKnown(error: unknown): false {
  if (error instanceof Interrupted) throw error;
  return false;
}

export function clockHalts(view: LedgerView, now: Instant): Reason[] {
  const last = newestOrdered(view.state);
  if (last === null || last <= plus(now, CLOCK_TOLERANCE_SECONDS)) return [];
  return [halt('E_LED_CLOCK', `this clock says ${now}, but the ledger has an entry of ${last}`)];
}

/** Access must not begin where no sweep will end it. */
function sweepHalts(view: LedgerView, now: Instant): Reason[] {
  const late = lateSweep(view.state, now);
  return late === undefined ? [] : [halt('E_POL_SWEEP_LATE', late)];
}
