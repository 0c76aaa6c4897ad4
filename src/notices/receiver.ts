/**
 * The one way out to a receiver: where it is, and one message to it. One host, no redirect is followed (what is told, and its
 * signature, would go elsewhere), two tries of 5 s each, and nothing of the answer is read but its number. No message
 * holds the address: it is a secret, since a reader of it may write there.
 */
import { PamError } from '../model/error.ts';
import type { Delivery, NoticePlace } from '../model/notice.ts';
import { NOTICE_LOOPBACK } from '../rules/notices/variables.ts';

export interface Receiver {
  readonly url: URL;
  readonly tryMs: number;
}

/** Milliseconds for one try. */
const TRY_MS = 5000;
const TRIES = 2;

type Environment = NoticePlace['env'];

/** Throws `W_NOTICE` where nothing stands in the variable. Never says what does. */
export function secretIn(env: Environment, name: unknown): string {
  const value = typeof name === 'string' ? env[name] : undefined;
  if (value !== undefined && value.trim() !== '') return value.trim();
  throw new PamError('W_NOTICE', `${String(name)} is not set here`);
}

/** Throws `W_NOTICE` where the variable holds no address that may be told. */
export function receiverIn({ env, tryMs = TRY_MS }: NoticePlace, name: unknown): Receiver {
  const text = secretIn(env, name);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new PamError('W_NOTICE', `${String(name)} holds no URL`);
  if (url.username !== '' || url.password !== '')
    throw new PamError('W_NOTICE', `${String(name)} holds a URL with a user or password, which are not sent`);
  const isHere = url.protocol === 'http:' && LOOPBACK.has(url.hostname) && env[NOTICE_LOOPBACK] === '1';
  if (url.protocol === 'https:' || isHere) return { url, tryMs };
  throw new PamError(
    'W_NOTICE',
    `${String(name)} holds no https URL; http is for 127.0.0.1, [::1] and localhost, and only with ${NOTICE_LOOPBACK}=1`,
  );
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** @param headers beside the content type, which is JSON */
export async function post(
  { url, tryMs }: Receiver,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Delivery> {
  let last: Tried = { state: 'lost', why: 'it was not tried', again: false };
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    last = await tryOnce(url, tryMs, body, headers);
    if (last.state === 'sent' || !last.again) break;
  }
  return last.state === 'sent' ? { state: 'sent' } : { state: 'lost', why: last.why };
}

type Tried =
  | { readonly state: 'sent' }
  /** `again`: another try may go better. */
  | { readonly state: 'lost'; readonly why: string; readonly again: boolean };

async function tryOnce(
  url: URL,
  tryMs: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Tried> {
  const signal = AbortSignal.timeout(tryMs);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal,
      headers: { 'content-type': 'application/json', 'user-agent': 'pam', ...headers },
      body,
    });
    // It may be endless, and says nothing that would be believed.
    await answer.body?.cancel();
    return judge(answer.status);
  } catch (error) {
    // Texts of the network may hold the host's name; the code of the system is enough.
    const late = signal.aborted || nameOf(error) === 'TimeoutError';
    const why = late ? `it did not answer within ${tryMs / 1000} s` : `it cannot be reached${causeOf(error)}`;
    return { state: 'lost', why, again: true };
  }
}

function judge(status: number): Tried {
  if (status >= 200 && status < 300) return { state: 'sent' };
  if (status >= 300 && status < 400)
    return { state: 'lost', why: `it sends us elsewhere (${status}), which is not followed`, again: false };
  return { state: 'lost', why: `it answered ${status}`, again: status >= 500 || status === 429 };
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

/** ` (ECONNREFUSED)`, where the system says so. */
function causeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/u.test(code) ? ` (${code})` : '';
}
