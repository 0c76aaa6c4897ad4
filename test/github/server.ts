/** The listener: who asks, may they, what is answered, and the record of it. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { atLeast } from './accounts.ts';
import { type Answer, type Asked, isListing, notFound, Refusal } from './answers.ts';
import { followPushes } from './follow-pushes.ts';
import { answerGraph } from './graphql.ts';
import { type HostileAnswer, type HostileName, TRICKS } from './hostile.ts';
import { fullName, type Hub } from './hub.ts';
import { faultsOfAnswer, faultsOfBody } from './openapi.ts';
import { cutPage, pageAsked } from './pages.ts';
import { type Route, ROUTES } from './routes.ts';
import { allows, digestOf, type Token } from './tokens.ts';

export interface Recorded {
  readonly method: string;
  /** As it was asked, with its query. */
  readonly path: string;
  readonly operation: string | undefined;
  /** SHA-256 of the token, never the token; `undefined` when none came. */
  readonly authorization: string | undefined;
  readonly userAgent: string | undefined;
  readonly accept: string | undefined;
  /** `undefined` while there is no answer. */
  status: number | undefined;
}

export interface Hostile {
  readonly operation: string;
  readonly name: HostileName;
  readonly seconds: number;
  /** How many answers; then honest again. */
  readonly times: number;
  played: number;
}

export interface Desk {
  readonly hub: Hub;
  readonly requests: Recorded[];
  readonly hostiles: Hostile[];
  /** What did not fit the description. */
  readonly faults: string[];
  readonly elsewhere: string;
  /** In front of every path, as `/api/v3` on GitHub Enterprise. */
  readonly prefix: string;
}

type Stretch = (items: readonly unknown[], perPage: number) => readonly unknown[];
const DOCS = 'https://docs.github.com/rest';

export async function answerRequest(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { hub } = desk;
  const url = new URL(request.url ?? '/', hub.url);
  const method = request.method ?? 'GET';
  const path = pathOf(desk, url);
  const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
  const bearer = /^(?:bearer|token) +(\S+)$/iu.exec(request.headers.authorization ?? '')?.[1];
  const recorded: Recorded = {
    method,
    path: `${url.pathname}${url.search}`,
    operation: isGraph(desk, url) ? 'graphql' : route?.id,
    authorization: bearer === undefined ? undefined : digestOf(bearer),
    userAgent: request.headers['user-agent'],
    accept: request.headers.accept,
    status: undefined,
  };
  desk.requests.push(recorded);
  const self = new URL(url);
  self.pathname = `${desk.prefix}${path.replace(/^\/repos\/[^/]+\/[^/]+/u, `/repositories/${hub.repository.id}`)}`;

  const visit: Visit = { desk, request, route, path, url, self, bearer, sent: Buffer.concat(chunks) };
  const hostile = desk.hostiles.find(
    (one) => (one.operation === '*' || one.operation === recorded.operation) && one.played < one.times,
  );
  if (method === 'POST' && isGraph(desk, url) && hostile === undefined) {
    const graph = await graphAnswer(visit);
    recorded.status = graph.status;
    send(desk, visit, response, graph);
    return;
  }
  const answer =
    hostile === undefined ? conditional(request, desk, visit, honest(visit)) : play(hostile, visit, response);
  if (answer === undefined) return;
  recorded.status = answer.status;
  send(desk, visit, response, answer);
}

/** Of an Enterprise server beside `/api/v3`, not below it. */
const isGraph = (desk: Desk, url: URL): boolean =>
  url.pathname === `${desk.prefix.replace(/\/v3$/u, '')}/graphql`;

async function graphAnswer(visit: Visit): Promise<Answer> {
  const { desk, sent } = visit;
  try {
    const body = { ...(parse(sent.toString('utf8')) as object) };
    const { answer, faults } = await answerGraph(desk.hub, tokenOf(visit), body);
    desk.faults.push(...faults);
    return answer;
  } catch (error) {
    if (!(error instanceof Refusal)) return fault(desk, [`the double broke: ${String(error)}`]);
    return { status: error.status, body: { message: error.message } };
  }
}

interface Visit {
  readonly desk: Desk;
  readonly request: IncomingMessage;
  readonly route: Route | undefined;
  readonly path: string;
  readonly url: URL;
  readonly self: URL;
  readonly bearer: string | undefined;
  readonly sent: Buffer;
}

/** Without prefix; `/repositories/<number>` is another name of the repository. */
function pathOf(desk: Desk, url: URL): string {
  const path = url.pathname.startsWith(`${desk.prefix}/`)
    ? url.pathname.slice(desk.prefix.length)
    : url.pathname;
  return path.replace(
    new RegExp(`^/repositories/${desk.hub.repository.id}(?=/|$)`, 'u'),
    `/repos/${fullName(desk.hub.repository)}`,
  );
}

function play(hostile: Hostile, visit: Visit, response: ServerResponse): HostileAnswer | undefined {
  const { desk, self, url } = visit;
  const before = hostile.played;
  hostile.played += 1;
  return TRICKS[hostile.name]({
    response,
    honest: (stretch) => honest(visit, stretch),
    self,
    elsewhere: desk.elsewhere,
    query: url.searchParams,
    before,
    seconds: hostile.seconds,
    now: desk.hub.now,
    repositoryId: desk.hub.repository.id,
  });
}

/** The answer of GitHub; whatever does not fit the description is a fault of the double or of the caller, and loud. */
function honest(visit: Visit, stretch?: Stretch): Answer {
  const { desk, route } = visit;
  let answer: Answer;
  try {
    answer = decide(visit, stretch);
  } catch (error) {
    if (!(error instanceof Refusal)) return fault(desk, [`the double broke: ${String(error)}`]);
    const { status, message, errors, headers } = error;
    const body = {
      message,
      ...(errors === undefined ? {} : { errors }),
      documentation_url: DOCS,
      status: String(status),
    };
    answer = { status, body: { ...body, ...moved(visit, status) }, headers };
  }
  if (route === undefined) return answer;
  const faults = faultsOfAnswer(route.id, answer.status, answer.body);
  return faults.length > 0 ? fault(desk, faults) : answer;
}

const moved = ({ self }: Visit, status: number): Readonly<Record<string, string>> =>
  status === 301 || status === 307 ? { url: self.href } : {};

function fault(desk: Desk, faults: readonly string[]): Answer {
  desk.faults.push(...faults);
  return { status: 500, body: { message: `not as GitHub describes it: ${faults.join('; ')}` } };
}

function decide(visit: Visit, stretch: Stretch | undefined): Answer {
  const { desk, route, request, url, self } = visit;
  const { hub } = desk;
  if (request.headers['user-agent'] === undefined) {
    throw new Refusal(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    );
  }
  const token = tokenOf(visit);
  // Asking what is left is free.
  if (route?.id !== 'rate-limit/get') hub.limits.count(token?.account);
  if (route === undefined) throw notFound();
  const values = route.pattern.exec(visit.path)?.slice(1) ?? [];
  const parameters = Object.fromEntries(
    route.names.map((name, at) => [name, decodeURIComponent(values[at] ?? '')]),
  );
  askRepository(visit, parameters, token);
  if (token !== undefined && !allows(token, route.needs)) {
    const accepted = Object.entries(route.needs).map(([name, level]) => `${name}=${level}`);
    const what = token.kind === 'installation' ? 'integration' : 'personal access token';
    throw new Refusal(403, `Resource not accessible by ${what}`, undefined, {
      'X-Accepted-GitHub-Permissions': accepted.join('; '),
    });
  }
  if ('administration' in route.needs) askAdmin(route, token);
  const sent = visit.sent.length === 0 ? undefined : parse(visit.sent.toString('utf8'));
  const faults = faultsOfBody(route.id, request.method === 'GET' ? undefined : sent);
  if (faults.length > 0) return fault(desk, faults);
  if (route.names.includes('repo')) followPushes(hub);
  const asked: Asked = {
    method: route.method,
    path: visit.path,
    parameters,
    query: url.searchParams,
    body: { ...(sent as object | undefined) },
    token,
    jwt: visit.bearer?.split('.').length === 3 ? visit.bearer : undefined,
  };
  const result = route.handler(hub, asked);
  if (!isListing(result)) return result;
  const items = stretch?.(result.items, pageAsked(url.searchParams).perPage) ?? result.items;
  return cutPage({ ...result, items }, url.searchParams, self);
}

/** What an App is given is enough; a person must be an admin, whatever the token says. */
function askAdmin(route: Route, token: Token | undefined): void {
  if (token?.kind === 'installation' || token?.account.role === 'admin') return;
  if (route.id === 'repos/get-branch-protection') throw notFound();
  throw new Refusal(403, 'Must have admin rights to Repository.');
}

function tokenOf({ desk, bearer, path }: Visit): Token | undefined {
  if (bearer === undefined) return undefined;
  const found = desk.hub.tokens.find(bearer);
  const forApps = path.startsWith('/app') || path.endsWith('/installation');
  if (found === undefined && !(forApps && bearer.split('.').length === 3)) {
    throw new Refusal(401, 'Bad credentials');
  }
  return found;
}

/** A private repository does not exist for whoever may not see it; an old name of it leads to its number. */
function askRepository(
  visit: Visit,
  { owner, repo }: Readonly<Record<string, string>>,
  token: Token | undefined,
): void {
  if (owner === undefined || repo === undefined) return;
  const { repository } = visit.desk.hub;
  const asApp = visit.path.endsWith('/installation');
  const visible =
    asApp || !repository.private || (token !== undefined && atLeast(token.account.role, 'read'));
  const name = `${owner}/${repo}`.toLowerCase();
  if (!visible) throw notFound();
  if (name === fullName(repository).toLowerCase()) return;
  if (!repository.formerNames.has(name)) throw notFound();
  throw visit.request.method === 'GET'
    ? new Refusal(301, 'Moved Permanently', undefined, { Location: visit.self.href })
    : new Refusal(307, 'Temporary Redirect', undefined, { Location: visit.self.href });
}

function parse(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
  if (typeof value !== 'object' || value === null) throw new Refusal(400, 'Body should be a JSON object');
  return value;
}

/**
 * `ETag` on what was read; a 304 when the caller has it, which costs nothing of the limit. It is of one token: GitHub says
 * so to eclipse-csi/otterdog#201 (2024) and github/docs#34689 (2024). Each job has a token of its own, so what one job kept
 * is of no use to the next.
 */
function conditional(request: IncomingMessage, desk: Desk, visit: Visit, answer: Answer): Answer {
  if (answer.status !== 200 || request.method !== 'GET') return answer;
  const said = `${visit.bearer ?? ''}\n${JSON.stringify(answer.body)}`;
  const etag = `W/"${createHash('sha256').update(said).digest('hex')}"`;
  const has = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim());
  if (!has.includes(etag)) return { ...answer, headers: { ...answer.headers, ETag: etag } };
  const account = visit.bearer === undefined ? undefined : desk.hub.tokens.find(visit.bearer)?.account;
  if (account !== undefined) desk.hub.limits.giveBack(account);
  return { status: 304, headers: { ETag: etag } };
}

function send(desk: Desk, visit: Visit, response: ServerResponse, answer: HostileAnswer): void {
  const account = visit.bearer === undefined ? undefined : desk.hub.tokens.find(visit.bearer)?.account;
  const text = answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body));
  const id = randomBytes(12).toString('hex').toUpperCase();
  const headers: Readonly<Record<string, string>> = {
    Date: desk.hub.now().toUTCString(),
    'X-GitHub-Request-Id': `${id.slice(0, 4)}:${id.slice(4, 10)}:${id.slice(10, 16)}:${id.slice(16)}`,
    'X-GitHub-Media-Type': 'github.v3; format=json',
    'X-GitHub-Api-Version-Selected': '2022-11-28',
    ...(text === '' ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
    'Cache-Control': 'private, max-age=60, s-maxage=60',
    Vary: 'Accept, Authorization, Cookie, X-GitHub-OTP',
    ...desk.hub.limits.headers(account),
    ...answer.headers,
  };
  response.writeHead(answer.status, headers);
  response.end(text);
}
