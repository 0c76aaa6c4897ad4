/**
 * GitHub's REST API for one repository. Octokit with its throttling and retry plug-ins does the work, behind rules of
 * ours that hold whatever it does: see `guarded-fetch.ts` for what may leave and come back, `access-token.ts` for who
 * we are, `api-errors.ts` for what an error says. Answers are hostile: `unknown` until `answer-shape.ts` has read them.
 *
 * Nothing happens, and nothing of Octokit is loaded, until the first question.
 *
 * One file: every question passes the same private steps, and none can go around them.
 */
import type { ThrottlingOptions } from '@octokit/plugin-throttling';
import type { Octokit as RestOctokit } from '@octokit/rest';
import { Interrupted, PamError } from '../model/error.ts';
import { type Instant, instantOf } from '../model/instant.ts';
import { orCutOff } from '../process/interrupt.ts';
import { findAccess, type Access, type Environment } from './access-token.ts';
import { apiAddress } from './api-address.ts';
import { apiError, type Wanted } from './api-errors.ts';
import { fieldsOf, listOf, misshapen, numberOf, textOf } from './answer-shape.ts';
import { FETCH_LIMITS, guardedFetch, type FetchLimits } from './guarded-fetch.ts';
import { dataOf } from './graph.ts';
import { badPaging, nextPage } from './next-page.ts';
import { once } from './once.ts';

/** `owner/name`, and the numeric id that says which repository that was when the policy was signed. */
export interface RepositoryName {
  readonly owner: string;
  readonly name: string;
  readonly id: number | undefined;
}

export type Parameters = Readonly<
  Record<string, string | number | boolean | readonly string[] | Readonly<Record<string, string>>>
>;

/** A route of GitHub's documentation, `GET /repos/{owner}/{repo}/pulls/{pull_number}`; owner and repo are ours. */
export type Route = `${'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'} /${string}`;

export interface GitHub {
  readonly repository: RepositoryName;
  /** An executor's App rather than a token. */
  readonly isApp: () => Promise<boolean>;
  /** That of an App or of a job, which is no person's. */
  readonly isInstallation: () => Promise<boolean>;
  /** One question. Only reading is tried again when it fails: writing twice would write twice. */
  readonly ask: (route: Route, parameters: Parameters, wanted: Wanted) => Promise<unknown>;
  /** The same as the App itself, for the few routes that want that. */
  readonly askAsApp: (route: Route, parameters: Parameters, wanted: Wanted) => Promise<unknown>;
  /** Every page of a list. `E_FORGE_LIMIT` for more than `most` items. */
  readonly askAll: (
    route: Route,
    parameters: Parameters,
    wanted: Wanted & { readonly most: number },
  ) => Promise<readonly unknown[]>;
  /** So many newest pages, at most: for looking around, never for evidence. */
  readonly askSome: (
    route: Route,
    parameters: Parameters,
    wanted: Wanted & { readonly pages: number },
  ) => Promise<readonly unknown[]>;
  /** GraphQL: one question about many things, its `data`. Errors that it brings beside data are left to the reader. */
  readonly askGraph: (text: string, wanted: Wanted) => Promise<unknown>;
  /** What time it is there, by its next answer; `undefined` where it does not say. Only to compare clocks. */
  readonly time: () => Promise<Instant | undefined>;
  /** The same, and all questions together end within this time. */
  readonly within: (milliseconds: number) => GitHub;
}

interface Answer {
  readonly data: unknown;
  readonly link: string | undefined;
  /** As the server says it; never a clock to decide by. */
  readonly date: string | undefined;
}

type Call = (route: Route, parameters: Parameters, wanted: Wanted, as?: 'app') => Promise<Answer>;

export const PAGE = 100;

const GRAPH: Route = 'POST /graphql';

export function openGitHub(
  repository: RepositoryName,
  env: Environment,
  limits: FetchLimits = FETCH_LIMITS,
  knownForMs = KNOWN_FOR_MS,
): GitHub {
  const opened = once(async () => await openLine(repository, env, limits));
  let check = onceIn(knownForMs, repository);
  const checked = async (call: Call): Promise<void> => {
    // Once a run, which is short; a program that watches for days must notice that a name changed hands.
    if (check.old.aborted) check = onceIn(knownForMs, repository);
    await check.known(call);
  };
  const withSignal = (signal: AbortSignal | undefined): GitHub => {
    const call: Call = async (route, parameters, wanted, as) => {
      const { send } = await opened();
      return await send(route, parameters, wanted, { as, signal });
    };
    const known: Call = async (route, parameters, wanted, as) => {
      await checked(call);
      return await call(route, parameters, wanted, as);
    };
    return {
      repository,
      isApp: async () => (await opened()).access.kind === 'app',
      isInstallation: async () => {
        const { access } = await opened();
        return access.kind === 'app' || access.token.startsWith('ghs_');
      },
      ask: async (route, parameters, wanted) => (await known(route, parameters, wanted)).data,
      askAsApp: async (route, parameters, wanted) => (await call(route, parameters, wanted, 'app')).data,
      askAll: async (route, parameters, wanted) => {
        const ask: AskPage = async (page) =>
          await known(route, { ...parameters, per_page: PAGE, page }, wanted);
        const { origin } = await opened();
        return await saying(wanted, async () => await allPages(ask, origin, wanted.most));
      },
      askSome: async (route, parameters, wanted) => {
        const ask: AskPage = async (page) =>
          await known(route, { ...parameters, per_page: PAGE, page }, wanted);
        return await saying(wanted, async () => await somePages(ask, wanted.pages));
      },
      askGraph: async (text, wanted) => {
        const { owner, name } = repository;
        const parameters = { query: text, variables: { owner, name } };
        return dataOf((await known(GRAPH, parameters, wanted)).data, wanted);
      },
      time: async () => {
        const wanted = { doing: 'ask what time it is', needs: 'metadata: read' };
        const { date = '' } = await call('GET /repos/{owner}/{repo}', {}, wanted);
        const at = Date.parse(date);
        return Number.isNaN(at) ? undefined : instantOf(at);
      },
      within: (milliseconds) => withSignal(AbortSignal.timeout(milliseconds)),
    };
  };
  return withSignal(undefined);
}

/** So long one look at the repository's number is enough. */
const KNOWN_FOR_MS = 60_000;

function onceIn(
  milliseconds: number,
  repository: RepositoryName,
): {
  readonly old: AbortSignal;
  readonly known: (call: Call) => Promise<void>;
} {
  const known = once(async (call: Call) => {
    await checkRepository(repository, call);
  });
  return { old: AbortSignal.timeout(milliseconds), known };
}

/** What was wanted, in front of what was wrong with the answer. */
async function saying<T>(wanted: Wanted, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PamError) || error.message.startsWith('cannot ')) throw error;
    throw new PamError(error.code, `cannot ${wanted.doing}: ${error.message}`);
  }
}

type AskPage = (page: number) => Promise<Answer>;

/** A full page without a next one is the last, or the answer is cut: the page after it has to be empty. */
async function allPages(ask: AskPage, origin: string, most: number): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for (let page = 1; ; page += 1) {
    const { data, link } = await ask(page);
    const some = pageOf(data, page);
    items.push(...some);
    if (items.length > most) throw new PamError('E_FORGE_LIMIT', `there are more than ${most}`);
    if (nextPage(link, page, origin) !== null) {
      if (some.length === 0) throw badPaging('there is nothing on it, and yet a next one');
      continue;
    }
    if (some.length < PAGE) return items;
    const after = await ask(page + 1);
    if (pageOf(after.data, page + 1).length > 0) throw badPaging('it hides its next page');
    return items;
  }
}

async function somePages(ask: AskPage, pages: number): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for (let page = 1; page <= pages; page += 1) {
    const some = pageOf((await ask(page)).data, page);
    items.push(...some);
    if (some.length < PAGE) break;
  }
  return items;
}

function pageOf(data: unknown, page: number): readonly unknown[] {
  const some = listOf(data, `page ${page}`);
  if (some.length > PAGE) throw misshapen(`page ${page} has more items than were asked for`);
  return some;
}

/** The name could have changed hands since policy was signed; the number cannot. */
async function checkRepository({ owner, name, id }: RepositoryName, call: Call): Promise<void> {
  const { data } = await call(
    'GET /repos/{owner}/{repo}',
    {},
    { doing: `find the repository ${owner}/${name}`, needs: 'metadata: read' },
  );
  const fields = fieldsOf(data, 'the repository');
  const found = textOf(fields, 'full_name', 'the repository');
  if (found.toLowerCase() !== `${owner}/${name}`.toLowerCase()) {
    throw new PamError('E_FORGE_REPO', `${owner}/${name} is now called ${JSON.stringify(found)}`, {
      hint: 'if that is right, change forge.repository in pam.yaml and sign the new policy',
    });
  }
  const number = numberOf(fields, 'id', 'the repository');
  if (id !== undefined && id !== number) {
    throw new PamError('E_FORGE_REPO', `${owner}/${name} is another repository than policy means`, {
      hint: `policy says number ${id}, GitHub says ${number}: find out what happened to the first one`,
    });
  }
}

interface Line {
  readonly access: Access;
  readonly origin: string;
  readonly send: (
    route: Route,
    parameters: Parameters,
    wanted: Wanted,
    how: { readonly as: 'app' | undefined; readonly signal: AbortSignal | undefined },
  ) => Promise<Answer>;
}

/** Octokit's own chatter, and what a hostile answer would have it print. */
const SILENT = {
  debug: (): void => undefined,
  info: (): void => undefined,
  warn: (): void => undefined,
  error: (): void => undefined,
};
const READING_RETRIES = 2;
const NEVER_AGAIN = [400, 401, 403, 404, 405, 409, 410, 422, 429, 451];
/**
 * In place of the queues in which Octokit keeps a second between writes, and three between comments, as GitHub asks.
 * The answers to a rate limit stay the same.
 */
const AT_ONCE = {
  key: () => ({
    schedule: async (_job: unknown, work: (...given: unknown[]) => unknown, ...given: unknown[]) =>
      await work(...given),
  }),
} as unknown as NonNullable<ThrottlingOptions['write']>; // The plug-in calls nothing else of its queues.
/** A longer wait is for the person or the schedule that called us. */
const LONGEST_WAIT_SECONDS = 5;

const isShort = (retryAfter: number, _options: unknown, _octokit: unknown, retryCount: number): boolean =>
  retryAfter <= LONGEST_WAIT_SECONDS && retryCount < 1;

async function openLine(repository: RepositoryName, env: Environment, limits: FetchLimits): Promise<Line> {
  const address = apiAddress(env['GITHUB_API_URL']);
  const access = await findAccess(address, env);
  const [{ Octokit }, { retry }, { throttling }] = await Promise.all([
    import('@octokit/rest'),
    import('@octokit/plugin-retry'),
    import('@octokit/plugin-throttling'),
  ]);
  const options = {
    baseUrl: address.url,
    userAgent: 'pam',
    log: SILENT,
    request: { fetch: guardedFetch(address.url, limits), log: SILENT },
    retry: { retries: READING_RETRIES, retryAfterBaseValue: 300, doNotRetry: NEVER_AGAIN },
    throttle: {
      onRateLimit: isShort,
      onSecondaryRateLimit: isShort,
      ...(address.loopback ? { write: AT_ONCE, notifications: AT_ONCE } : {}),
    },
  };
  const octokit: RestOctokit = new (Octokit.plugin(retry, throttling))(options);
  const { tokenOf, secrets } = await keysOf(access, octokit, repository);
  return {
    access,
    origin: new URL(address.url).origin,
    send: async (route, parameters, wanted, { as, signal }) => {
      try {
        const token = await tokenOf(as, wanted);
        const asked = octokit.request(route === GRAPH ? `POST ${address.graph}` : route, {
          ...(route.includes('{owner}') ? { owner: repository.owner, repo: repository.name } : {}),
          ...parameters,
          headers: {
            authorization: `${as === 'app' ? 'bearer' : 'token'} ${token}`,
            'x-github-api-version': '2022-11-28',
          },
          request: {
            ...(route.startsWith('GET ') || route === GRAPH ? {} : { retries: 0 }),
            ...(signal === undefined ? {} : { signal }),
          },
        });
        const answer = await orCutOff(asked);
        const { date }: { readonly date?: unknown } = answer.headers;
        const link: unknown = answer.headers.link;
        return {
          data: answer.data as unknown,
          link: typeof link === 'string' ? link : undefined,
          date: typeof date === 'string' ? date : undefined,
        };
      } catch (error) {
        if (error instanceof Interrupted) throw error;
        throw hushed(apiError(error, wanted), secrets);
      }
    },
  };
}

interface Keys {
  readonly tokenOf: (as: 'app' | undefined, wanted: Wanted) => Promise<string>;
  /** Everything that must never be printed, whichever answer holds it. */
  readonly secrets: ReadonlySet<string>;
}

async function keysOf(access: Access, octokit: RestOctokit, repository: RepositoryName): Promise<Keys> {
  const secrets = new Set<string>();
  const keep = (token: string): string => {
    secrets.add(token);
    return token;
  };
  if (access.kind === 'token') {
    keep(access.token);
    return {
      secrets,
      tokenOf: async (as) =>
        as === 'app'
          ? await Promise.reject(new PamError('E_FORGE_TOKEN', 'only a GitHub App may ask this'))
          : await Promise.resolve(access.token),
    };
  }
  const { createAppAuth } = await import('@octokit/auth-app');
  const { appId, privateKey } = access;
  const auth = createAppAuth({ appId, privateKey, request: octokit.request, log: SILENT });
  const asApp = async (): Promise<string> => keep((await signAsApp(auth)).token);
  const installed = once(async (): Promise<number> => {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/installation', {
      owner: repository.owner,
      repo: repository.name,
      headers: { authorization: `bearer ${await asApp()}` },
    });
    return numberOf(fieldsOf(data, 'the installation'), 'id', 'the installation');
  });
  return {
    secrets,
    tokenOf: async (as) => {
      if (as === 'app') return await asApp();
      try {
        const installationId = await installed();
        // For this repository alone, whatever else the App is installed on.
        const { token } = await auth({
          type: 'installation',
          installationId,
          repositoryNames: [repository.name],
        });
        return keep(token);
      } catch (error) {
        throw apiError(error, {
          doing: `act as the GitHub App ${appId} in ${repository.owner}/${repository.name}`,
          needs: 'to be installed',
        });
      }
    },
  };
}

async function signAsApp(
  auth: (options: { readonly type: 'app' }) => Promise<{ readonly token: string }>,
): Promise<{ readonly token: string }> {
  try {
    return await auth({ type: 'app' });
  } catch {
    throw new PamError('E_FORGE_TOKEN', 'the private key of the GitHub App does not sign', {
      hint: "make a new private key on the App's settings page, and set PAM_GITHUB_APP_KEY to its path",
    });
  }
}

function hushed(error: PamError, secrets: ReadonlySet<string>): PamError {
  const hush = (text: string): string =>
    [...secrets].reduce((sum, secret) => sum.replaceAll(secret, '***'), text);
  const { code, message, hint, exit } = error;
  return new PamError(code, hush(message), { exit, ...(hint === undefined ? {} : { hint: hush(hint) }) });
}
