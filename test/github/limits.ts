/** The hourly limit of an account: counted in every answer's headers, and refused when it is used up. */
import type { Answer } from './answers.ts';
import { Refusal } from './answers.ts';
import type { Account } from './accounts.ts';

const HOUR = 3600;

interface Window {
  used: number;
  /** Seconds since 1970. */
  readonly reset: number;
}

export class Limits {
  /** Requests an hour; a test lowers it. */
  limit = 5000;
  readonly #windows = new Map<number, Window>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
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
    if (window.used >= this.limit) {
      const kind = account?.type === 'Bot' ? 'installation' : 'user';
      const who = account === undefined ? '127.0.0.1' : `${kind} ID ${account.id}`;
      throw new Refusal(403, `API rate limit exceeded for ${who}.`);
    }
    window.used += 1;
  }

  /** A 304 costs nothing. */
  giveBack(account: Account | undefined): void {
    this.#window(account).used -= 1;
  }

  headers(account: Account | undefined): Readonly<Record<string, string>> {
    const { used, reset } = this.#window(account);
    return {
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(Math.max(0, this.limit - used)),
      'X-RateLimit-Used': String(used),
      'X-RateLimit-Reset': String(reset),
      'X-RateLimit-Resource': 'core',
    };
  }

  show(account: Account | undefined): Answer {
    const { used, reset } = this.#window(account);
    const core = { limit: this.limit, used, remaining: Math.max(0, this.limit - used), reset };
    return {
      status: 200,
      body: { resources: { core, search: { ...core, limit: 30, remaining: 30 } }, rate: core },
    };
  }
}
