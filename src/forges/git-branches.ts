/**
 * The plain Git forge: a proposal is the branch `pam/<id>`, a statement is the branch
 * `pam-statements/<topic>.<first 16 hex of its SHA-256>`. Both are made once and never moved by pam.
 */
import { PamError } from '../model/error.ts';
import type { About, Forge, NewProposal, Posting, Proposal } from '../model/forge.ts';
import { readable, type Remote, type Repository } from '../model/git.ts';
import type { Instant } from '../model/instant.ts';
import { isRequestId, requestPath, signaturePath, type Oid, type RequestId } from '../model/names.ts';
import { policyTopicName } from '../trust/statements/topics.ts';
import { branchPlace, type BranchPlace } from './branch-place.ts';
import { readProposals, withWholeMain } from './read-proposals.ts';
import { statementBranch, statementBranches, STATEMENTS } from './statement-branches.ts';

export interface GitForge {
  readonly repository: Repository;
  /** Without one, the clone is alone and the branches are its own. */
  readonly remote?: { readonly name: string; readonly remote: Remote };
  /** The main branch's name, as in `pam.yaml`. */
  readonly main: string;
  /** The date that new commits get; it proves nothing. */
  readonly now: () => Instant;
  /** Evenly in [0, 1). */
  readonly chance: () => number;
}

export function gitBranches(forge: GitForge): Forge {
  const place = branchPlace(forge.repository, forge.remote);
  const statements = statementBranches(forge.repository, place, forge.chance);
  return {
    kind: 'git',
    proposals: async ({ ids, days, skip }) => {
      const wanted = [...ids.map((id) => `pam/${id}`), ...days.map((day) => `pam/${checkDay(day)}-*`)];
      const found = wanted.length === 0 ? new Map<string, Oid>() : await place.find(wanted, checkCount);
      return await readBranches(forge, place, found, skip ?? new Set());
    },
    statements: async (topics, doubt) =>
      await statements.find(
        topics.map(({ name }) => name),
        doubt,
      ),
    propose: async (proposal) => await propose(forge, place, proposal),
    publish: async (posting) => {
      await publish(forge, place, statements, posting);
    },
    write: async (posting) => {
      const { branch, commit } = await written(forge, posting);
      return { oid: commit, ref: `refs/heads/${branch}` };
    },
  };
}

/** More than these are not asked for ahead; they are asked for by themselves. */
const MOST_AHEAD = 150;

/**
 * The branches of what a command is about to ask, as patterns: all that belongs to a day begins with it, and so do
 * requests that are older.
 */
export function branchesAbout({ ids, days, policy }: About): readonly string[] {
  const older = olderThan(days, ids);
  const some = [
    ...days.flatMap((day) => [`pam/${checkDay(day)}-*`, `${STATEMENTS}/${day}-*`]),
    ...older.flatMap((id) => [`pam/${id}*`, `${STATEMENTS}/${id}.*`]),
    ...(policy === undefined ? [] : [`${STATEMENTS}/${policyTopicName(policy)}.*`]),
  ];
  return some.slice(0, MOST_AHEAD);
}

/** The same of a forge with pull requests: what it has as branches are statements about requests alone. */
export function statementsAbout({ ids, days }: About): readonly string[] {
  const some = [
    ...days.map((day) => `${STATEMENTS}/${checkDay(day)}-*`),
    ...olderThan(days, ids).map((id) => `${STATEMENTS}/${id}.*`),
  ];
  return some.slice(0, MOST_AHEAD);
}

const olderThan = (days: readonly string[], ids: readonly RequestId[]): readonly RequestId[] =>
  ids.filter((id) => !days.some((day) => id.startsWith(`${day}-`)));

/** Of three days. Each costs a look at its whole tree. */
const MAX_PROPOSALS = 3000;

function checkCount(branches: readonly string[]): readonly string[] {
  if (branches.length > MAX_PROPOSALS) {
    throw new PamError(
      'E_FORGE_LIMIT',
      `there are ${branches.length} proposals; at most ${MAX_PROPOSALS} are read`,
      { hint: 'remove the branches pam/* that hold no valid statement' },
    );
  }
  return branches;
}

function checkDay(day: string): string {
  if (/^\d{8}$/u.test(day)) return day;
  throw new PamError('E_BUG', `not a day: ${JSON.stringify(day)}`);
}

async function readBranches(
  forge: GitForge,
  place: BranchPlace,
  branches: ReadonlyMap<string, Oid>,
  skip: ReadonlySet<RequestId>,
): Promise<readonly Proposal[]> {
  const { repository, remote, main } = forge;
  const named = [...branches].flatMap(([branch, head]) => {
    const id = branch.slice('pam/'.length);
    return isRequestId(id) && !skip.has(id) ? [{ id, place: branch, head }] : [];
  });
  const whole = remote === undefined ? repository : withWholeMain(repository, remote.remote, main);
  return await readProposals(whole, await place.known(main), named);
}

async function propose(
  forge: GitForge,
  place: BranchPlace,
  proposal: NewProposal,
): Promise<{ readonly branch: string; readonly proposal: string }> {
  const branch = `pam/${proposal.id}`;
  const taken = (): PamError =>
    new PamError('E_REQ_ID_TAKEN', `the request id ${proposal.id} is in use`, {
      hint: 'ask again: ids are random',
    });
  if ((await place.find([branch])).size > 0) throw taken();
  const main = await place.known(forge.main);
  if (main === undefined) {
    throw new PamError('E_GIT_REF', `there is no branch ${forge.main} to propose to`, {
      hint: 'run pam init first',
    });
  }
  const path = requestPath(proposal.id);
  if (readable(await forge.repository.list(main, path), `${path} on main`).length > 0) throw taken();
  const commit = await forge.repository.writeCommit({
    parents: [main],
    base: main,
    files: new Map([
      [requestPath(proposal.id), proposal.request],
      [signaturePath(proposal.id), proposal.signature],
    ]),
    message: proposal.message,
    author: proposal.author,
    at: forge.now(),
  });
  if (await made(place, branch, commit)) return { branch, proposal: branch };
  if ((await place.find([branch])).size > 0) throw taken();
  throw new PamError('E_FORGE_REFUSED', `the remote refused the new branch ${branch}`, {
    hint: 'may you push branches named pam/* there?',
  });
}

/**
 * `false` when something has the name. Throws when a branch has the name of one of its directories: git cannot hold
 * both, so a pusher could silence an id with it (catalogue Q). That one is not fetched: its tracking ref would be in the
 * way of others here, long after it is gone there.
 */
async function made(place: BranchPlace, branch: string, commit: Oid): Promise<boolean> {
  const parts = branch.split('/').slice(0, -1);
  const above = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  try {
    if (await place.create(branch, commit)) return true;
  } catch (error) {
    const mayBeBlocked = error instanceof PamError && error.code !== 'E_INTERRUPTED';
    if (!mayBeBlocked || (await place.there(above)).length === 0) throw error;
  }
  const [blocking] = await place.there(above);
  if (blocking === undefined) return false;
  throw new PamError('E_FORGE_REFUSED', `the branch ${blocking} is in the way of ${branch}`, {
    hint: `have ${blocking} removed: nothing of pam has that name, so somebody pushed it to be in the way`,
  });
}

async function publish(
  forge: GitForge,
  place: BranchPlace,
  statements: ReturnType<typeof statementBranches>,
  posting: Pick<Posting, 'topic' | 'signed' | 'author'>,
): Promise<void> {
  const { signed } = posting;
  const { branch, commit } = await written(forge, posting);
  if (await made(place, branch, commit)) return;
  // Another push was faster: with the same statement that is as good, with anything else it is not.
  if (await statements.holds(branch, signed)) return;
  throw new PamError('E_FORGE_REFUSED', `the remote refused the new branch ${branch}`, {
    hint: 'sign again (a later signed-at gives another branch), and check that you may push pam-statements/*',
  });
}

async function written(
  forge: GitForge,
  { topic: { name: topic }, signed, author }: Pick<Posting, 'topic' | 'signed' | 'author'>,
): Promise<{ readonly branch: string; readonly commit: Oid }> {
  const commit = await forge.repository.writeCommit({
    parents: [],
    base: null,
    files: new Map([
      ['statement', Buffer.from(signed.text)],
      ['statement.sig', Buffer.from(signed.armor)],
    ]),
    message: `statement about ${topic}`,
    author,
    at: forge.now(),
  });
  return { branch: statementBranch(topic, signed.text), commit };
}
