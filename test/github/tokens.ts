/** Tokens and what they may do. A token never may more than its account may in the repository. */
import { createHash, randomBytes } from 'node:crypto';
import type { Account } from './accounts.ts';

export type Level = 'read' | 'write';
/** GitHub's names: `contents`, `pull_requests`, `issues`, `actions`, `administration`, `environments` ... */
export type Permissions = Readonly<Record<string, Level>>;

export interface Token {
  readonly account: Account;
  /** `installation`: of a GitHub App, and Actions' own `GITHUB_TOKEN`. */
  readonly kind: 'personal' | 'installation';
  /** `all`: a classic token with the scope `repo`. */
  readonly permissions: Permissions | 'all';
  readonly expiresAt: Date | undefined;
}

/**
 * As GitHub writes them. Those of installations, so of jobs too, are `ghs_APPID_JWT` since April 2026, about 520 characters
 * with two dots in them (changelog 2026-05-15; docs generating-an-installation-access-token).
 */
function newText(kind: Token['kind']): string {
  if (kind === 'personal') return `ghp_${randomBytes(18).toString('hex')}`;
  const part = (bytes: number): string => randomBytes(bytes).toString('base64url');
  return `ghs_15368_eyJ${part(24)}.eyJ${part(160)}.${part(192)}`;
}

export class Tokens {
  readonly #byText = new Map<string, Token>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  issue(token: Token): string {
    const text = newText(token.kind);
    this.#byText.set(text, token);
    return text;
  }

  revoke(text: string): void {
    this.#byText.delete(text);
  }

  /** `undefined`: unknown, revoked, expired, or its account is gone. */
  find(text: string): Token | undefined {
    const found = this.#byText.get(text);
    if (found === undefined || found.account.deleted) return undefined;
    return found.expiresAt !== undefined && found.expiresAt <= this.#now() ? undefined : found;
  }
}

/** What requests are recorded with, and what a test compares: never the token itself. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export function allows(token: Token, needs: Permissions): boolean {
  const { permissions } = token;
  if (permissions === 'all') return true;
  // One of several names is enough: a comment on a pull request needs `issues` or `pull_requests`.
  const names = Object.entries(needs);
  return (
    names.length === 0 ||
    names.some(([name, level]) => permissions[name] === 'write' || permissions[name] === level)
  );
}
