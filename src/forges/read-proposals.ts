/** Proposals at their heads: what each holds, judged on the objects that Git has, whatever a forge says about them. */
import { gaveNoAnswer, PamError } from '../model/error.ts';
import type { Proposal } from '../model/forge.ts';
import { readable, type Remote, type Repository } from '../model/git.ts';
import { requestPath, signaturePath, type Oid, type RequestId } from '../model/names.ts';
import { fewAtOnce } from './few-at-once.ts';
import { faultOf, type Fault, type ListTree, type Name, REQUEST_MAX_BYTES } from './proposal-scope.ts';

export interface AtHead {
  readonly id: RequestId;
  readonly place: string;
  readonly head: Oid;
}

/** One broken proposal is its own fault only; the others are read all the same. */
export async function readProposals(
  repository: Repository,
  main: Oid | undefined,
  proposals: readonly AtHead[],
): Promise<readonly Proposal[]> {
  const baseTree = listOnce(repository);
  const asking = withBasesOf(
    repository,
    proposals.map(({ head }) => head),
  );
  return await fewAtOnce(proposals, async (at) => await readProposal(asking, baseTree, main, at));
}

/** Where each head left main, asked for together when the first is: many hold no request, and need no base. */
function withBasesOf(repository: Repository, heads: readonly Oid[]): Repository {
  const known = new Map<Oid, Promise<ReadonlyMap<Oid, Oid>>>();
  return {
    ...repository,
    mergeBase: async (head, main) => {
      const bases = known.get(main) ?? repository.mergeBases(heads, main);
      known.set(main, bases);
      return (await bases).get(head) ?? (await repository.mergeBase(head, main));
    },
  };
}

/** Many proposals begin on one main: its tree is read once. */
export function listOnce(repository: Pick<Repository, 'names'>): ListTree {
  const trees = new Map<Oid, Promise<readonly Name[]>>();
  return async (commit) => {
    const tree = trees.get(commit) ?? listAll(repository, commit);
    trees.set(commit, tree);
    return await tree;
  };
}

const listAll = async (repository: Pick<Repository, 'names'>, commit: Oid): Promise<readonly Name[]> =>
  readable(await repository.names(commit, ''), `main at ${commit.slice(0, 12)}`);

/** Where history was cut, main is brought whole, once, when a question reaches below the cut. */
export function withWholeMain(repository: Repository, remote: Remote, main: string): Repository {
  let deepened: Promise<boolean> | undefined;
  const whole = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof PamError) || error.code !== 'E_GIT_SHALLOW') throw error;
      if (!(await (deepened ??= remote.deepen([main], null)))) throw error;
      return await question();
    }
  };
  return {
    ...repository,
    mergeBase: async (a, b) => await whole(async () => await repository.mergeBase(a, b)),
    history: async (tip, not) => await whole(async () => await repository.history(tip, not)),
  };
}

async function readProposal(
  repository: Repository,
  baseTree: ListTree,
  main: Oid | undefined,
  { id, place, head }: AtHead,
): Promise<Proposal> {
  const faulty = (fault: Fault): Proposal => ({ id, place, head, files: undefined, fault });
  if (main === undefined) return faulty({ code: 'E_PR_SCOPE', message: 'main cannot be read' });
  try {
    const fault = await faultOf(repository, baseTree, { id, head, main });
    if (fault !== undefined) return faulty(fault);
    const paths = [requestPath(id), signaturePath(id)];
    const wanted = paths.map((path) => ({ treeish: head, path }));
    const read = await repository.read(wanted, REQUEST_MAX_BYTES);
    const [request, signature] = read.map((one, at) => readable(one, paths[at] ?? ''));
    if (request === undefined || signature === undefined) {
      return faulty({ code: 'E_PR_SCOPE', message: 'its files cannot be read' });
    }
    return { id, place, head, files: { request, signature } };
  } catch (error) {
    if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
    return faulty({ code: error.code, message: error.message });
  }
}
