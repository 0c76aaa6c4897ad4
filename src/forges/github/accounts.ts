/** Accounts in GitHub's answers, and our own. */
import type { GitHub } from '../../github/api.ts';
import { fieldsOf, numberOf, textOf } from '../../github/answer-shape.ts';
import { PamError } from '../../model/error.ts';
import type { Account } from '../../model/forge.ts';

/** What a deleted account left behind, under either of GitHub's two ways to say so. */
const GHOST: Account = { id: 0, login: 'ghost', human: false };
const GHOST_ID = 10_137;

export function readAuthor(data: unknown, what: string): Account {
  if (data === null || data === undefined) return GHOST;
  const fields = fieldsOf(data, what);
  const id = numberOf(fields, 'id', what);
  const login = textOf(fields, 'login', what).slice(0, 100);
  if (id === GHOST_ID) return GHOST;
  return { id, login, human: fields['type'] === 'User' && !login.endsWith('[bot]') };
}

/** Who this token is; `null` for one that belongs to no person (an App's, or that of an Actions run). */
export async function whoami(github: GitHub): Promise<Account | null> {
  if (await github.isInstallation()) return null;
  try {
    const data = await github.ask('GET /user', {}, { doing: 'find out whose token this is' });
    return readAuthor(data, 'this account');
  } catch (error) {
    // A server's tokens of jobs may have another beginning, and may not ask this either.
    if (error instanceof PamError && error.code === 'E_FORGE_FORBIDDEN') return null;
    throw error;
  }
}

const ACTIONS = 'github-actions[bot]';

/** Is it this token's own account? An App is known by its name, a run of Actions by that of all of them. */
export async function ownAccount(github: GitHub): Promise<(account: Account) => boolean> {
  if (await github.isApp()) {
    const data = await github.askAsApp('GET /app', {}, { doing: 'find out which App this is' });
    const login = `${textOf(fieldsOf(data, 'this App'), 'slug', 'this App')}[bot]`;
    return (account) => account.login === login;
  }
  const me = await whoami(github);
  return me === null ? (account) => account.login === ACTIONS : (account) => account.id === me.id;
}
