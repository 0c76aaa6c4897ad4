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

const PREFIX = { personal: 'ghp_', installation: 'ghs_' } as const;

export class Tokens {
  readonly #byText = new Map<string, Token>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  issue(token: Token): string {
    const text = `${PREFIX[token.kind]}${randomBytes(18).toString('hex')}`;
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
