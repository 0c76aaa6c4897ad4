/** Pull requests: the readers of GitHub's answers about them, and its lists. */
import type { GitHub } from '../../github/api.ts';
import { type Fields, fieldsOf, misshapen, numberOf, textOf } from '../../github/answer-shape.ts';
import { once } from '../../github/once.ts';
import { isOid, type Oid } from '../../model/names.ts';
import type { Pull, PullLists } from '../pulls/pull-port.ts';
import { readAuthor } from './accounts.ts';

export const READ_PULLS = 'pull requests: read';
/** Open ones, listed to find the proposals among them. */
const MOST_OPEN = 3000;
/** Pages of closed ones, newest first, where one from a fork is looked for. */
const CLOSED_PAGES = 3;

/** Lists are asked for once: a new one for each piece of work. */
export function pullLists(github: GitHub, main: string): PullLists {
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
  return {
    open: listed,
    closed,
    ofBranch: async (branch, id) =>
      toMain(
        await github.askSome(
          'GET /repos/{owner}/{repo}/pulls',
          { state: 'all', base: main, head: `${owner}:${branch}`, sort: 'created', direction: 'asc' },
          { doing: `find the pull request of ${id}`, needs: READ_PULLS, pages: 1 },
        ),
      ),
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
      ),
  };
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
