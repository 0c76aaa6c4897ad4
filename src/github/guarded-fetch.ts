/**
 * The only way out to GitHub's API. Whatever a library above asks for: one origin, no redirect is followed (the token
 * would travel with it), each answer is bounded in time and in bytes, and what is called success is JSON.
 */
import { PamError } from '../model/error.ts';

export interface FetchLimits {
  /** One answer, with its body. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** A page of a hundred comments, each as long as GitHub takes them, with six bytes for each character. */
export const FETCH_LIMITS: FetchLimits = { timeoutMs: 20_000, maxBytes: 48 * 1024 * 1024 };

/**
 * What must not be tried again. Octokit hands an `AbortError` on untouched, neither wrapped nor retried.
 */
export class Stopped extends Error {
  override readonly name = 'AbortError';
  constructor(override readonly cause: PamError) {
    super(cause.message);
  }
}

export function guardedFetch(base: string, limits: FetchLimits): typeof globalThis.fetch {
  const { origin } = new URL(base);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin) throw foreign(url);
    const late = AbortSignal.timeout(limits.timeoutMs);
    const given = init?.signal ?? undefined;
    const signal = given === undefined ? late : AbortSignal.any([late, given]);
    try {
      const answer = await fetch(url, { ...init, redirect: 'manual', signal });
      if (REDIRECTS.has(answer.status)) throw await redirected(answer);
      const bytes = await readBody(answer, limits.maxBytes);
      return judgeAnswer(answer, bytes);
    } catch (error) {
      if (signal.aborted) throw tooSlow();
      throw error;
    }
  };
}

const REDIRECTS: ReadonlySet<number> = new Set([300, 301, 302, 303, 305, 307, 308]);
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function foreign(url: URL): Stopped {
  return new Stopped(
    new PamError('E_FORGE_REPO', `an answer of the API points at another host, ${JSON.stringify(url.host)}`),
  );
}

async function redirected(answer: Response): Promise<Stopped> {
  await answer.body?.cancel();
  return new Stopped(
    new PamError('E_FORGE_REPO', 'the API sends us elsewhere: the repository was renamed or moved', {
      hint: 'if that is right, change forge.repository in pam.yaml and sign the new policy',
    }),
  );
}

function tooSlow(): Stopped {
  return new Stopped(
    new PamError('E_FORGE_NETWORK', 'the API did not answer in time', { hint: 'try again later' }),
  );
}

async function readBody(answer: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // The types of Node 20 do not know that a body can be iterated.
  const reader = answer.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const chunk: Uint8Array = next.value;
    size += chunk.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new Stopped(
        new PamError('E_FORGE_LIMIT', `an answer of the API has more than ${maxBytes} bytes`),
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function judgeAnswer(answer: Response, bytes: Uint8Array): Response {
  const { status } = answer;
  const type = answer.headers.get('content-type') ?? '';
  const success = status >= 200 && status < 300 && !WITHOUT_BODY.has(status);
  if (success && !/^application\/(?:[a-z.+-]+\+)?json\s*(?:;|$)/iu.test(type)) {
    throw new Stopped(new PamError('E_FORGE_SHAPE', 'the API answered with something else than JSON'));
  }
  if (status === 304)
    throw new Stopped(
      new PamError('E_FORGE_SHAPE', 'the API answered "not modified" to a question without condition'),
    );
  const headers = new Headers(answer.headers);
  // They describe the bytes as they travelled.
  headers.delete('content-encoding');
  headers.delete('content-length');
  return new Response(WITHOUT_BODY.has(status) ? null : Buffer.from(bytes), { status, headers });
}
