import { basename, relative, resolve } from 'node:path';
import type { Reason } from '../model/decision.ts';
import { refusal } from '../documents/yaml.ts';
import { EXIT, type Exit, type Issue } from '../model/error.ts';
import { type Checked, checkFileAt, requestFilesSince } from '../flows/people/check-file.ts';
import { checkPolicy, checkPolicyHere, isOfPolicy } from '../flows/people/check-policy.ts';
import {
  type CheckedProposal,
  checkClosedProposals,
  checkOpenProposals,
  checkProposal,
  tellProposals,
} from '../flows/people/check-proposal.ts';
import { type Desk, mainRef } from '../flows/desk.ts';
import { freshLedger } from '../flows/gather/look-at-request.ts';
import { checkText, proposalsText, warningLines } from '../views/check.ts';
import { proposalMarkdown } from '../views/markdown.ts';
import { addToSummary } from './job-summary.ts';
import { nextOf } from './record-text.ts';
import { type Register, requestOrPull, type Session } from './session.ts';

interface Options {
  readonly proposal?: string;
  readonly base?: string;
  readonly comment?: true;
}

export const register: Register = (program, session) => {
  program
    .command('check')
    .description(
      'Without arguments: the policy of this work tree and of main, and the requests here that main does not hold. With paths: those files of requests or policy. With --proposal: also its signatures and approvals; in a CI job its decision record goes to the job summary.',
    )
    .argument('[path...]', 'request files, pam.yaml, files of policy/')
    .option('--proposal <id>', 'a proposal with its evidence: an id, a pull request, or "open" for all')
    .option('--comment', 'with --proposal: also put the decision record into one comment there')
    .option('--base <rev>', 'the request files of the work tree that this branch or commit does not hold')
    .action(async (paths: readonly string[], options: Options, command) => {
      const at = session(command);
      const desk = await at.desk();
      if (options.proposal !== undefined) await judgeProposals(at, desk, options.proposal, options);
      else await judgeFiles(at, desk, paths, options.base);
    });
};

async function judgeProposals(at: Session, desk: Desk, named: string, options: Options): Promise<void> {
  const all = named === 'open';
  const wanted = all ? named : requestOrPull(named);
  const fresh = await freshLedger(desk);
  const checked = all ? await checkOpenProposals(desk, fresh) : [await checkProposal(desk, fresh, wanted)];
  const markdownOf = (one: CheckedProposal): string =>
    proposalMarkdown(one, one.looked === null ? null : nextOf(one.looked));
  for (const one of checked) addToSummary(at, markdownOf(one));
  if (options.comment === true) {
    // A comment follows its request to the end, long after its pull request is merged.
    const closed = all ? await checkClosedProposals(desk, fresh, checked) : [];
    const told = [...checked, ...closed].flatMap((one) =>
      one.place === null ? [] : [[one.place, markdownOf(one)] as const],
    );
    await tellProposals(desk, fresh, new Map(told));
  }
  const exit = worstOf(checked);
  const issues = checked.flatMap((one) => one.issues);
  const reasons = checked.flatMap((one) => one.reasons);
  const proposals = checked.map(({ what, place, exit: own }) => ({ what, place, ok: own === EXIT.done }));
  const document = { ok: exit === EXIT.done, issues, reasons, ...(all ? { proposals } : {}) };
  const text = all ? proposalsText(checked, at.style) : oneText(checked[0], at);
  // Of all that are open some always wait: a caller that asks for all wants to know whether they could be judged.
  const judged = exit === EXIT.pending || exit === EXIT.refused || exit === EXIT.invalid;
  const answer = all && judged ? EXIT.done : exit;
  at.done({ exit: answer, schema: 'pam.check/1', document, text });
}

function oneText(one: CheckedProposal | undefined, at: Session): string {
  if (one === undefined) return '';
  if (one.told.length > 0) return proposalsText([one], at.style);
  return checkText(one.exit, one.issues, one.reasons, at.style);
}

const SEVERITY: readonly Exit[] = [EXIT.integrity, EXIT.failed, EXIT.invalid, EXIT.refused, EXIT.pending];

const worstOf = (checked: readonly CheckedProposal[]): Exit =>
  SEVERITY.find((exit) => checked.some((one) => one.exit === exit)) ?? EXIT.done;

const FILES_A_TURN = 100;

/**
 * Paths of policy are judged as policy, all of it together; others are request files. Without paths: the policy, and the
 * request files that main does not hold. With a base: what differs from it.
 */
async function judgeFiles(
  at: Session,
  desk: Desk,
  paths: readonly string[],
  base: string | undefined,
): Promise<void> {
  const { workTree } = desk.repository;
  const insideOf = (place: string): string =>
    workTree === null ? basename(place) : relative(workTree, place);
  const places = paths.map((path) => resolve(at.globals.dir, path));
  const ofPolicy = places.some((place) => isOfPolicy(insideOf(place)));
  const { issues: broken, warnings } =
    paths.length === 0 ? await checkPolicy(desk) : ofPolicy ? await checkPolicyHere(desk) : NO_POLICY;
  const since = await changedFiles(at, desk, paths, base);
  const files = [...places.filter((place) => !isOfPolicy(insideOf(place))), ...since];
  const { issues, reasons } = await judgeRequests(desk, files, insideOf);
  if (broken.length > 0) throw refusal([...broken, ...issues], { exit: EXIT.invalid });
  const bad = issues.length > 0 ? EXIT.invalid : reasons.some((one) => !one.ok) ? EXIT.refused : EXIT.done;
  const document = { ok: bad === EXIT.done, issues, reasons, ...(warnings.length === 0 ? {} : { warnings }) };
  const text = `${warningLines(warnings, at.style)}${checkText(bad, issues, reasons, at.style)}`;
  at.done({ exit: bad, schema: 'pam.check/1', document, text });
}

const NO_POLICY = { issues: [], warnings: [] } as const;

/** As places on this machine. Main is as this clone saw it last: nothing is fetched for it. */
async function changedFiles(
  at: Session,
  desk: Desk,
  paths: readonly string[],
  base: string | undefined,
): Promise<readonly string[]> {
  const top = desk.repository.workTree;
  if (base === undefined && (paths.length > 0 || top === null)) return [];
  const since = base ?? mainRef(desk, desk.hint);
  if (base === undefined && (await desk.repository.resolve(since)) === undefined) return [];
  return (await requestFilesSince(desk, since)).map((path) => resolve(top ?? at.globals.dir, path));
}

async function judgeRequests(
  desk: Desk,
  places: readonly string[],
  insideOf: (place: string) => string,
): Promise<Checked> {
  const issues: Issue[] = [];
  const reasons: Reason[] = [];
  if (places.length === 0) return { issues, reasons };
  const { view } = await freshLedger(desk);
  for (const [index, place] of places.entries()) {
    // Ctrl-C is heard between turns.
    if (index % FILES_A_TURN === FILES_A_TURN - 1) await desk.pause(0);
    const found = await checkFileAt(desk, view, insideOf(place), place);
    issues.push(...found.issues);
    reasons.push(...found.reasons);
  }
  return { issues, reasons };
}
