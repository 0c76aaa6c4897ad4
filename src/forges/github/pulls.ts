/** Pull requests: the readers of GitHub's answers about them, and the ways to find one. */
import type { GitHub } from '../../github/api.ts';
import { type Fields, fieldsOf, misshapen, numberOf, textOf } from '../../github/answer-shape.ts';
import { once } from '../../github/once.ts';
import { PamError } from '../../model/error.ts';
import { isOid, isRequestId, type Oid, type RequestId } from '../../model/names.ts';
import { type Author, readAuthor } from './accounts.ts';

export interface Pull {
  readonly number: number;
  /** Its page, for people and for the ledger. */
  readonly place: string;
  readonly open: boolean;
  readonly merged: boolean;
  readonly headBranch: string;
  /** The head as the API says it: where a review goes, never what is judged. */
  readonly apiHead: Oid;
  readonly apiBase: Oid;
  /** From a branch of this very repository, not of a fork. */
  readonly own: boolean;
  readonly baseBranch: string;
  readonly author: Author;
}

export const READ_PULLS = 'pull requests: read';
/** Open ones, listed to find the proposals among them. */
const MOST_OPEN = 3000;
/** Of one id. Further ones are somebody's noise. */
const MOST_OF_ONE = 10;
/** Pages of closed ones, newest first, where one from a fork is looked for. */
const CLOSED_PAGES = 3;

export interface Pulls {
  /** All that are open against main. `E_FORGE_LIMIT` when there are too many to read. */
  readonly open: () => Promise<readonly Pull[]>;
  /** Those with the head branch `pam/<id>`, open or not; the first is the one that counts. */
  readonly of: (id: RequestId) => Promise<readonly Pull[]>;
  readonly numbered: (number: number) => Promise<Pull>;
  /** Merged ones that brought this commit to main. */
  readonly ofCommit: (commit: Oid) => Promise<readonly Pull[]>;
}

/** Lists are asked for once: a new one for each piece of work. */
export function pullsOf(github: GitHub, main: string): Pulls {
  const { owner, name } = github.repository;
  const toMain = (data: readonly unknown[]): readonly Pull[] =>
    data.map((one) => readPull(one, owner, name)).filter(({ baseBranch }) => baseBranch === main);
  const listed = once(async () =>
    toMain(
      await github.askAll(
        'GET /repos/{owner}/{repo}/pulls',
        { state: 'open', base: main, sort: 'created', direction: 'asc' },
        { doing: 'list the open pull requests', needs: READ_PULLS, most: MOST_OPEN },
      ),
    ),
  );
  const closed = once(async () =>
    toMain(
      await github.askSome(
        'GET /repos/{owner}/{repo}/pulls',
        { state: 'closed', base: main, sort: 'updated', direction: 'desc' },
        { doing: 'list closed pull requests', needs: READ_PULLS, pages: CLOSED_PAGES },
      ),
    ),
  );
  const ofBranch = async (id: RequestId): Promise<readonly Pull[]> =>
    toMain(
      await github.askSome(
        'GET /repos/{owner}/{repo}/pulls',
        { state: 'all', base: main, head: `${owner}:pam/${id}`, sort: 'created', direction: 'asc' },
        { doing: `find the pull request of ${id}`, needs: READ_PULLS, pages: 1 },
      ),
    ).filter(({ own, headBranch }) => own && headBranch === `pam/${id}`);
  return {
    open: listed,
    of: async (id) => {
      const own = await ofBranch(id);
      // Whoever floods the list of open ones must not hide the one of the repository's own branch.
      const open = await orNone(listed, own.length > 0);
      const others = open.filter(({ headBranch }) => headBranch === `pam/${id}`);
      const found = inOrder([...own, ...others]);
      if (found.length > 0) return found.slice(0, MOST_OF_ONE);
      return inOrder((await closed()).filter(({ headBranch }) => headBranch === `pam/${id}`));
    },
    numbered: async (number) =>
      readPull(
        await github.ask(
          'GET /repos/{owner}/{repo}/pulls/{pull_number}',
          { pull_number: number },
          { doing: `read pull request ${number}`, needs: READ_PULLS },
        ),
        owner,
        name,
      ),
    ofCommit: async (commit) =>
      toMain(
        await github.askSome(
          'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls',
          { commit_sha: commit },
          { doing: `find the pull request of commit ${commit.slice(0, 12)}`, needs: READ_PULLS, pages: 1 },
        ),
      ).filter(({ merged }) => merged),
  };
}

/**
 * Which one of an id counts: one that is open or was merged before one that was given up, the repository's own branch
 * before a fork's (forks are anybody's), and the earlier one.
 */
export function inOrder(pulls: readonly Pull[]): readonly Pull[] {
  const byNumber = new Map(pulls.map((one) => [one.number, one]));
  const givenUp = ({ open, merged }: Pull): number => Number(!open && !merged);
  return [...byNumber.values()].sort(
    (a, b) => givenUp(a) - givenUp(b) || Number(b.own) - Number(a.own) || a.number - b.number,
  );
}

/** `pam/<id>` */
export function idOf({ headBranch }: Pull): RequestId | undefined {
  const id = headBranch.startsWith('pam/') ? headBranch.slice('pam/'.length) : '';
  return isRequestId(id) ? id : undefined;
}

/** The number in a pull request's page of this repository; `undefined` for any other place. */
export function numberIn(place: string, owner: string, name: string): number | undefined {
  const url = URL.canParse(place) ? new URL(place) : undefined;
  const [, inOwner = '', inName = '', number = ''] =
    /^\/([^/]+)\/([^/]+)\/pull\/([1-9]\d{0,8})(?:\/.*)?$/u.exec(url?.pathname ?? '') ?? [];
  const here = `${inOwner}/${inName}`.toLowerCase() === `${owner}/${name}`.toLowerCase();
  return here && number !== '' ? Number(number) : undefined;
}

function readPull(data: unknown, owner: string, name: string): Pull {
  const what = 'a pull request';
  const fields = fieldsOf(data, what);
  const number = numberOf(fields, 'number', what);
  const place = textOf(fields, 'html_url', what);
  // It goes into the ledger and onto screens, so it has to be what it says it is.
  const safe = /^https?:\/\/[\x21-\x7e]{1,280}$/u.test(place) && !/[?#@\\]/u.test(place);
  if (!safe || numberIn(place, owner, name) !== number) throw misshapen(`${what} has a page of another kind`);
  const head = fieldsOf(fields['head'], what);
  const base = fieldsOf(fields['base'], what);
  return {
    number,
    place,
    open: textOf(fields, 'state', what) === 'open',
    merged: typeof fields['merged_at'] === 'string',
    headBranch: textOf(head, 'ref', what),
    apiHead: oidIn(head, what),
    apiBase: oidIn(base, what),
    own: repositoryIn(head) !== undefined && repositoryIn(head) === repositoryIn(base),
    baseBranch: textOf(base, 'ref', what),
    author: readAuthor(fields['user'], what),
  };
}

function oidIn(fields: Fields, what: string): Oid {
  const sha = textOf(fields, 'sha', what);
  if (!isOid(sha)) throw misshapen(`${what} has no commit`);
  return sha;
}

/** `undefined` when the fork is gone. */
function repositoryIn(fields: Fields): number | undefined {
  const repo = fields['repo'];
  return repo === undefined || repo === null
    ? undefined
    : numberOf(fieldsOf(repo, 'a repository'), 'id', 'a repository');
}

async function orNone(list: () => Promise<readonly Pull[]>, spare: boolean): Promise<readonly Pull[]> {
  try {
    return await list();
  } catch (error) {
    if (spare && error instanceof PamError && error.code === 'E_FORGE_LIMIT') return [];
    throw error;
  }
}
