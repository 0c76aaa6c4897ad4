/** What an answer that is no success means, in words that say what to do. Nothing secret is ever in them. */
import { PamError } from '../model/error.ts';
import { type Instant, instantOf } from '../model/instant.ts';
import { Stopped } from './guarded-fetch.ts';

/** What was wanted, for the sentence: "read the reviews of pull request 12". */
export interface Wanted {
  readonly doing: string;
  /** The permission that it takes: "pull requests: read". */
  readonly needs?: string;
  /** Of something written: whether it is there, should the answer to it be lost. Asked once. */
  readonly arrived?: () => Promise<boolean>;
}

interface Failed {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** What GitHub said, shortened. */
  readonly said: string;
}

/** @param error whatever a call through Octokit threw */
export function apiError(error: unknown, wanted: Wanted): PamError {
  if (error instanceof PamError) return error;
  if (error instanceof Stopped) {
    const { code, message, hint } = error.cause;
    return new PamError(code, `cannot ${wanted.doing}: ${message}`, hint === undefined ? {} : { hint });
  }
  const failed = failedOf(error);
  if (failed === undefined) {
    return isNetwork(error)
      ? new PamError('E_FORGE_NETWORK', `cannot ${wanted.doing}: the API cannot be reached`, {
          hint: 'check the network, and GITHUB_API_URL if it is an Enterprise server',
        })
      : new PamError('E_FORGE_SHAPE', `cannot ${wanted.doing}: the API gave an answer that cannot be read`);
  }
  return judge(failed, wanted);
}

/** Octokit gives what it could not even send the status 500, without an answer. */
function isNetwork(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 500;
}

function failedOf(error: unknown): Failed | undefined {
  if (!(error instanceof Error) || !('response' in error) || !('status' in error)) return undefined;
  const { response, status } = error;
  if (typeof response !== 'object' || response === null || typeof status !== 'number') return undefined;
  const raw: unknown = 'headers' in response ? response.headers : undefined;
  const headers = new Map(
    Object.entries(typeof raw === 'object' && raw !== null ? raw : {}).map(([name, value]) => [
      name.toLowerCase(),
      String(value),
    ]),
  );
  return { status, headers, said: saidOf('data' in response ? response.data : undefined) };
}

/** GitHub's own `message`, and those of its `errors`. */
function saidOf(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  const first: unknown = 'message' in data ? data.message : undefined;
  const errors: unknown = 'errors' in data ? data.errors : undefined;
  const more = (Array.isArray(errors) ? errors : []).map((one: unknown) =>
    typeof one === 'object' && one !== null && 'message' in one ? one.message : one,
  );
  return [first, ...more]
    .filter((one) => typeof one === 'string')
    .join(': ')
    .slice(0, 200);
}

function judge(failed: Failed, wanted: Wanted): PamError {
  const { status, said } = failed;
  const cannot = `cannot ${wanted.doing}`;
  const quote = said === '' ? '' : ` (GitHub says: ${said})`;
  if (isRateLimit(failed)) {
    return new PamError('E_FORGE_BUSY', `${cannot}: GitHub takes no more requests for now`, {
      hint: whenAgain(failed),
    });
  }
  if (status === 401) {
    return new PamError('E_FORGE_TOKEN', `${cannot}: GitHub does not take this token`, {
      hint: 'it may have expired or been revoked: gh auth status says which one is used',
    });
  }
  if (status === 403 || status === 404) {
    return new PamError(
      status === 403 ? 'E_FORGE_FORBIDDEN' : 'E_FORGE_NOT_FOUND',
      status === 403
        ? `${cannot}: this token may not${quote}`
        : `${cannot}: it is not there, or this token may not see it`,
      {
        hint: `${status === 404 ? 'is that its name or number? If so: ' : ''}${permissionHint(failed, wanted)}`,
      },
    );
  }
  if (status >= 500)
    return new PamError('E_FORGE_NETWORK', `${cannot}: the API answers ${status}`, {
      hint: 'try again later; www.githubstatus.com says whether it is GitHub',
    });
  return new PamError('E_FORGE_REFUSED', `${cannot}: GitHub refuses it with ${status}${quote}`);
}

/** https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api */
function isRateLimit({ status, headers, said }: Failed): boolean {
  if (status === 429) return true;
  return (
    status === 403 &&
    (headers.get('x-ratelimit-remaining') === '0' ||
      headers.has('retry-after') ||
      /\b(?:secondary )?rate limit\b/iu.test(said))
  );
}

function whenAgain({ headers }: Failed): string {
  const seconds = headers.get('retry-after') ?? '';
  if (/^\d{1,6}$/u.test(seconds)) return `come back in ${Number(seconds)} s`;
  const reset = headers.get('x-ratelimit-reset') ?? '';
  const at: Instant | undefined = /^\d{9,10}$/u.test(reset) ? instantOf(Number(reset) * 1000) : undefined;
  return at === undefined ? 'come back in a few minutes' : `come back after ${at}`;
}

function permissionHint({ headers }: Failed, { needs }: Wanted): string {
  // A URL in it is GitHub's page for this very organisation; it is not printed, an answer is outside text.
  if ((headers.get('x-github-sso') ?? '').startsWith('required')) {
    return "authorise the token for the organisation's single sign-on, on its page at GitHub";
  }
  const accepted = headers.get('x-accepted-github-permissions') ?? '';
  const listed = /^[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*$/u.test(accepted) ? accepted : undefined;
  const permission = listed ?? needs;
  return permission === undefined
    ? 'check that the token is for this repository'
    : `the token needs the permission ${permission} on this repository`;
}
