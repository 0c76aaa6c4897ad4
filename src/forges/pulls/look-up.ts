/** What a pull request holds: a request, a policy change, or something that is none of our business. */
import { EXIT, expected, PamError } from '../../model/error.ts';
import type { PullRequest } from '../../model/forge.ts';
import { readable, type Repository } from '../../model/git.ts';
import type { Oid, RequestId } from '../../model/names.ts';
import { POLICY_PATHS } from '../../model/policy.ts';
import { faultOf, type Fault, type ListTree } from '../proposal-scope.ts';
import { idOf } from './find-pulls.ts';
import type { Pull, PullPort, Pulls } from './pull-port.ts';

export interface LookUp {
  readonly repository: Repository;
  /** The tree that many begin on is read once. */
  readonly baseTree: ListTree;
  readonly mainName: string;
  readonly main: Oid | undefined;
}

/** `42`, `#42` or the page of a pull request of this repository. */
export async function pullNamed(
  reference: string,
  { repository, numberIn }: Pick<PullPort, 'repository' | 'numberIn'>,
  pulls: Pick<Pulls, 'numbered'>,
): Promise<Pull> {
  const plain = /^#?([1-9]\d{0,8})$/u.exec(reference)?.[1];
  const number = plain === undefined ? numberIn(reference) : Number(plain);
  const wrong = (): PamError =>
    new PamError('E_USAGE', `${JSON.stringify(reference)} is no pull request of ${repository}`, {
      hint: 'give its number, or the address of its page',
    });
  if (number === undefined) throw wrong();
  const pull = await pulls.numbered(number);
  if (plain === undefined && new URL(reference).host !== new URL(pull.place).host) throw wrong();
  return pull;
}

/** @param first the pull request of an id that counts */
export async function lookAtPull(
  at: LookUp,
  pull: Pull,
  head: Oid | undefined,
  first: (id: RequestId) => Promise<Pull | undefined>,
): Promise<PullRequest> {
  const { number, place, open } = pull;
  if (head === undefined) {
    const message = 'its head cannot be fetched: git refuses what it holds, or it is not there yet';
    return { place, number, head: pull.apiHead, open, holds: other({ code: 'E_GIT_OBJECT', message }) };
  }
  try {
    return { place, number, head, open, holds: await holdsOf(at, pull, head, first) };
  } catch (error) {
    if (!(error instanceof PamError) || !UNREADABLE.has(error.code)) throw error;
    return { place, number, head, open, holds: other({ code: error.code, message: error.message }) };
  }
}

/** What a pusher may have made of it, as `readable` throws it: the fault of this one pull request. */
const UNREADABLE: ReadonlySet<string> = new Set(['E_GIT_PARTIAL', 'E_GIT_SIZE', 'E_GIT_UNREADABLE']);

type Holds = PullRequest['holds'];

async function holdsOf(
  at: LookUp,
  pull: Pull,
  head: Oid,
  first: Parameters<typeof lookAtPull>[3],
): Promise<Holds> {
  const { main, repository } = at;
  if (main === undefined) return other({ code: 'E_PR_SCOPE', message: 'main cannot be read' });
  const id = idOf(pull);
  if (pull.baseBranch !== at.mainName) {
    const message = `a request is proposed to ${at.mainName}, not to ${pull.baseBranch}`;
    return id === undefined ? other() : other({ code: 'E_PR_SCOPE', message });
  }
  if (id !== undefined) {
    const fault = await faultOf(repository, at.baseTree, { id, head, main });
    if (fault !== undefined) return other(fault);
    const counts = await first(id);
    if (counts !== undefined && counts.number !== pull.number) {
      return other({ code: 'E_REQ_ID_TAKEN', message: `the id ${id} is that of ${counts.place}` });
    }
    return { kind: 'request', id };
  }
  const changed = await changesOf(repository, pull, head, main);
  const policy = changed.filter(isPolicy);
  if (changed.length > 0 && policy.length === changed.length) return await policyAt(repository, head);
  const touchesRequests = changed.some((path) => path.startsWith('requests/'));
  return policy.length > 0 || touchesRequests
    ? other({
        code: 'E_PR_SCOPE',
        message: touchesRequests
          ? 'a request travels alone, on a branch pam/<id>'
          : 'a policy change touches pam.yaml and policy/ and nothing else',
      })
    : other();
}

const other = (fault?: Fault): Holds => ({ kind: 'other', ...(fault === undefined ? {} : { fault }) });

const isPolicy = (path: string): boolean => path === 'pam.yaml' || path.startsWith('policy/');

/** Paths that differ between where it began and its head. */
async function changesOf(
  repository: Repository,
  pull: Pull,
  head: Oid,
  main: Oid,
): Promise<readonly string[]> {
  const base = await repository.mergeBase(head, main);
  // Merged as it was, main holds all of it; where it began then is what the forge remembers.
  const from = base === head ? await rememberedBase(repository, pull, head) : base;
  if (from === undefined) return [];
  const [before, after] = [await contentsOf(repository, from), await contentsOf(repository, head)];
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

async function contentsOf(repository: Repository, commit: Oid): Promise<ReadonlyMap<string, string>> {
  const listed = readable(await repository.names(commit, ''), `commit ${commit.slice(0, 12)}`);
  return new Map(listed.map(({ path, mode, oid }) => [path, `${mode} ${oid}`]));
}

async function rememberedBase(
  repository: Repository,
  { apiBase }: Pull,
  head: Oid,
): Promise<Oid | undefined> {
  try {
    return (await repository.isAncestor(apiBase, head)) ? apiBase : undefined;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

async function policyAt(repository: Repository, head: Oid): Promise<Holds> {
  try {
    return { kind: 'policy', files: await policyFilesAt(repository, head) };
  } catch (cause) {
    const error = expected(cause);
    return other({ code: error.code, message: error.message });
  }
}

const POLICY_MAX_BYTES = 1024 * 1024;

/** Whatever stands there; whether it is a policy is for its reader. */
async function policyFilesAt(repository: Repository, head: Oid): Promise<ReadonlyMap<string, Uint8Array>> {
  const listed = [
    ...readable(await repository.list(head, 'policy'), 'policy'),
    ...readable(await repository.list(head, 'pam.yaml'), 'pam.yaml'),
  ];
  const odd = listed.find(({ mode, path, size }) => {
    const known = POLICY_PATHS.some((one) => one === path);
    return mode !== '100644' || !known || size === null || size > POLICY_MAX_BYTES;
  });
  if (odd !== undefined) {
    throw new PamError('E_POL_FILES', `${odd.path} (mode ${odd.mode}) does not belong to a policy`, {
      exit: EXIT.invalid,
    });
  }
  const paths = listed.map(({ path }) => path);
  const blobs = await repository.read(
    paths.map((path) => ({ treeish: head, path })),
    POLICY_MAX_BYTES,
  );
  return new Map(
    paths.flatMap((path, at) => {
      const bytes = readable(blobs[at], path);
      return bytes === undefined ? [] : [[path, bytes] as const];
    }),
  );
}
