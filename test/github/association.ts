/** `author_association`: a courtesy of GitHub's, and no authority to anybody. */
import { type Account, atLeast } from './accounts.ts';
import type { Hub } from './hub.ts';

export function associationOf(hub: Hub, account: Account): string {
  const { owner } = hub.repository;
  if (account.deleted) return 'NONE';
  if (account === owner) return 'OWNER';
  if (account.type === 'User' && account.member && owner.type === 'Organization') return 'MEMBER';
  if (account.type === 'User' && atLeast(account.role, 'read')) return 'COLLABORATOR';
  return hub.pulls.some((pull) => pull.author === account && pull.merged !== undefined)
    ? 'CONTRIBUTOR'
    : 'NONE';
}
