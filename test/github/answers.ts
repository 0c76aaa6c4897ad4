/** What a handler is asked and may answer. A refusal is thrown, with GitHub's status and words. */
import type { Account } from './accounts.ts';
import type { Token } from './tokens.ts';

export interface Asked {
  readonly method: string;
  /** Without prefix and query. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** An object; empty when nothing was sent. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: Token | undefined;
  /** The bearer's text when it is a JSON web token: only the App routes read it. */
  readonly jwt: string | undefined;
}

export interface Answer {
  readonly status: number;
  /** `undefined`: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A list that is not paged yet. */
export interface Listing {
  readonly items: readonly unknown[];
  readonly show: (item: never) => unknown;
  /** Where GitHub wraps a list: `{ total_count, [wrap]: [...] }`. */
  readonly wrap?: string;
}

export const isListing = (one: Answer | Listing): one is Listing => 'items' in one;

/** Types the pair of items and `show`, which `Listing` forgets. */
export function listing<T>(items: readonly T[], show: (item: T) => unknown, wrap?: string): Listing {
  return { items, show, ...(wrap === undefined ? {} : { wrap }) };
}

export interface Trouble {
  readonly resource: string;
  readonly code: string;
  readonly field?: string;
  readonly message?: string;
}

export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly (string | Trouble)[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    errors?: readonly (string | Trouble)[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

export const notFound = (): Refusal => new Refusal(404, 'Not Found');
export const invalid = (...errors: readonly Trouble[]): Refusal =>
  new Refusal(422, 'Validation Failed', errors);
/** Reviews say it so: strings instead of objects. */
export const unprocessable = (error: string): Refusal => new Refusal(422, 'Unprocessable Entity', [error]);

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });

/** Fails for an anonymous caller as GitHub does where somebody must be there. */
export function callerOf(asked: Asked): Account {
  if (asked.token === undefined) throw new Refusal(401, 'Requires authentication');
  return asked.token.account;
}

export function parameter(asked: Asked, name: string): string {
  const value = asked.parameters[name];
  if (value === undefined) throw new Error(`the route has no {${name}}`);
  return value;
}

/** Numbers in paths: what is none exists nowhere. */
export function numberIn(asked: Asked, name: string): number {
  const text = parameter(asked, name);
  if (!/^[0-9]{1,15}$/u.test(text)) throw notFound();
  return Number(text);
}

/** A string field of the body; `undefined` when it is not there (or no string: the description's check says so). */
export function textIn(asked: Asked, name: string): string | undefined {
  const value = asked.body[name];
  return typeof value === 'string' ? value : undefined;
}
