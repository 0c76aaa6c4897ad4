/**
 * The hourly limit of an account: counted in every answer's headers, and refused when it is used up. Source: github/docs
 * content/rest/using-the-rest-api/rate-limits-for-the-rest-api.md (`D-rate` of the house's list). A person has 5,000, and
 * so has an App's installation. The `GITHUB_TOKEN` of Actions has 1,000 for the repository: every job of every workflow draws
 * on one window, since all of them ask as one account. (15,000 where Enterprise Cloud owns the repository.)
 */
import type { Answer } from './answers.ts';
import { Refusal } from './answers.ts';
import type { Account } from './accounts.ts';

const HOUR = 3600;
const OF_ONE = 5000;
const OF_ACTIONS = 1000;

interface Window {
  used: number;
  /** Seconds since 1970. */
  readonly reset: number;
}

export class Limits {
  /** Requests an hour of everybody, instead of GitHub's; a test lowers it. */
  limit: number | undefined = undefined;
  readonly #windows = new Map<number, Window>();
  readonly #now: () => Date;
  readonly #actions: Account;

  /** `actions`: whose the tokens of jobs are. */
  constructor(now: () => Date, actions: Account) {
    this.#now = now;
    this.#actions = actions;
  }

  #limitOf(account: Account | undefined): number {
    return this.limit ?? (account === this.#actions ? OF_ACTIONS : OF_ONE);
  }

  #window(account: Account | undefined): Window {
    const key = account?.id ?? 0;
    const now = Math.floor(this.#now().getTime() / 1000);
    let found = this.#windows.get(key);
    if (found === undefined || found.reset <= now) {
      found = { used: 0, reset: now + HOUR };
      this.#windows.set(key, found);
    }
    return found;
  }

  /** Fails when nothing is left. */
  count(account: Account | undefined): void {
    const window = this.#window(account);
    if (window.used >= this.#limitOf(account)) {
      const kind = account?.type === 'Bot' ? 'installation' : 'user';
      const who = account === undefined ? '127.0.0.1' : `${kind} ID ${account.id}`;
      throw new Refusal(403, `API rate limit exceeded for ${who}.`);
    }
    window.used += 1;
  }

  /** A 304 costs nothing: docs.github.com, "Best practices for using the REST API". */
  giveBack(account: Account | undefined): void {
    this.#window(account).used -= 1;
  }

  /** Nothing is left of this hour. */
  useUp(account: Account): void {
    this.#window(account).used = this.#limitOf(account);
  }

  headers(account: Account | undefined): Readonly<Record<string, string>> {
    const { used, reset } = this.#window(account);
    const limit = this.#limitOf(account);
    return {
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Remaining': String(Math.max(0, limit - used)),
      'X-RateLimit-Used': String(used),
      'X-RateLimit-Reset': String(reset),
      'X-RateLimit-Resource': 'core',
    };
  }

  show(account: Account | undefined): Answer {
    const { used, reset } = this.#window(account);
    const limit = this.#limitOf(account);
    const core = { limit, used, remaining: Math.max(0, limit - used), reset };
    return {
      status: 200,
      body: { resources: { core, search: { ...core, limit: 30, remaining: 30 } }, rate: core },
    };
  }
}
