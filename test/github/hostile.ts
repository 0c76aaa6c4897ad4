/**
 * Answers that GitHub should never give, by name. Each is made of the honest answer where there is one, so that what
 * is wrong with it is only what its name says. None of them is checked against the description.
 */
import type { ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';
import { linkTo, pageAsked } from './pages.ts';

export interface Scene {
  readonly response: ServerResponse;
  /** The answer without any trick; `stretch` changes a list before it is cut into pages. */
  readonly honest: (stretch?: (items: readonly unknown[], perPage: number) => readonly unknown[]) => Answer;
  /** This request, as `Link` names it. */
  readonly self: URL;
  /** The other host. */
  readonly elsewhere: string;
  readonly query: URLSearchParams;
  /** How often this trick was played before. */
  readonly before: number;
  /** For answers that name a time to wait. */
  readonly seconds: number;
  readonly now: () => Date;
  readonly repositoryId: number;
}

/** Text is sent as it is. `undefined`: there is no answer. */
export type HostileAnswer = Answer & { readonly text?: string };
type Trick = (scene: Scene) => HostileAnswer | undefined;

const html = (status: number, title: string): HostileAnswer => ({
  status,
  text: `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  headers: { 'Content-Type': 'text/html; charset=utf-8' },
});

export const TRICKS = {
  'html-200': () => html(200, 'Unicorn!'),
  '502': () => html(502, 'Bad Gateway'),
  '422': () => ({
    status: 422,
    body: { message: 'Unprocessable Entity', errors: ['The commitOID is not part of the pull request'] },
  }),
  '500-then-ok': (scene) =>
    scene.before === 0 ? { status: 500, body: { message: 'Server Error' } } : scene.honest(),

  'truncated-json': (scene) => {
    const text = JSON.stringify(scene.honest().body);
    return { status: 200, text: text.slice(0, Math.max(1, Math.floor(text.length / 2))) };
  },
  'not-a-list': (scene) => ({ ...scene.honest(), body: { message: 'all is well' } }),

  'rate-limited': ({ now, seconds }) => ({
    status: 403,
    body: { message: 'API rate limit exceeded for user ID 1.', documentation_url: DOCS },
    headers: {
      'X-RateLimit-Limit': '5000',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Used': '5000',
      'X-RateLimit-Reset': String(Math.floor(now().getTime() / 1000) + seconds),
      'X-RateLimit-Resource': 'core',
    },
  }),
  'secondary-limited': ({ seconds }) => ({
    status: 403,
    body: {
      message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      documentation_url: `${DOCS}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`,
    },
    headers: { 'Retry-After': String(seconds) },
  }),

  'poisoned-304': () => ({ status: 304, headers: { ETag: 'W/"poisoned"' } }),

  'redirect-to-other-host': ({ self, elsewhere }) => ({
    status: 302,
    body: { message: 'Found', url: `${elsewhere}${self.pathname}` },
    headers: { Location: `${elsewhere}${self.pathname}${self.search}` },
  }),
  'moved-repository': ({ self, repositoryId }) => {
    const to = new URL(self);
    to.pathname = self.pathname.replace(/\/repositories\/[0-9]+/u, `/repositories/${repositoryId + 1}`);
    const body = { message: 'Moved Permanently', url: to.href, documentation_url: DOCS };
    return { status: 301, body, headers: { Location: to.href } };
  },

  'looping-next': (scene) => withLink(scene, linkTo(scene.self, pageAsked(scene.query).page, 'next')),
  'missing-next': (scene) => withLink(scene, linkTo(scene.self, pageAsked(scene.query).page + 1, 'last')),
  'next-to-other-host': (scene) => {
    const url = new URL(`${scene.elsewhere}${scene.self.pathname}${scene.self.search}`);
    return withLink(scene, linkTo(url, pageAsked(scene.query).page + 1, 'next'));
  },
  'duplicate-pages': ({ honest }) =>
    honest((items, perPage) => {
      const first = items.slice(0, perPage);
      return first.length === 0 ? items : [...padded(first, perPage), ...items];
    }),
  '5000-reviews': ({ honest }) =>
    honest((items) =>
      items.length === 0 ? items : Array.from({ length: 5000 }, (_, at) => items[at % items.length]),
    ),

  'huge-body': (scene) => each(scene, (one) => ({ ...one, body: 'x'.repeat(1024 * 1024) })),
  'null-user': (scene) => each(scene, (one) => ({ ...one, user: null })),
  'null-commit': (scene) => each(scene, (one) => ({ ...one, commit_id: null })),
  'missing-submitted-at': (scene) => each(scene, (one) => without(one, 'submitted_at')),
  'wrong-types': (scene) =>
    each(scene, (one) => Object.fromEntries(Object.entries(one).map(([key, value]) => [key, other(value)]))),
  'other-repository-id': (scene) => {
    const answer = scene.honest();
    return { ...answer, body: renumbered(answer.body, scene.repositoryId) };
  },

  slow: () => undefined,
  'connection-reset': ({ response }) => {
    response.socket?.resetAndDestroy();
    return undefined;
  },
} as const satisfies Readonly<Record<string, Trick>>;

export type HostileName = keyof typeof TRICKS;

const DOCS = 'https://docs.github.com/rest';

function withLink(scene: Scene, link: string): HostileAnswer {
  const answer = scene.honest();
  return { ...answer, headers: { ...answer.headers, Link: link } };
}

/** Whole pages only, so that the copy is a page of its own. */
const padded = (items: readonly unknown[], size: number): readonly unknown[] =>
  Array.from({ length: size }, (_, at) => items[at % items.length]);

/** Every object of a list, or the one object. */
function each(
  scene: Scene,
  change: (one: Readonly<Record<string, unknown>>) => Record<string, unknown>,
): HostileAnswer {
  const answer = scene.honest();
  const apply = (one: unknown): unknown =>
    typeof one === 'object' && one !== null ? change({ ...one }) : one;
  return { ...answer, body: Array.isArray(answer.body) ? answer.body.map(apply) : apply(answer.body) };
}

const without = (one: Readonly<Record<string, unknown>>, gone: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(one).filter(([key]) => key !== gone));

function other(value: unknown): unknown {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value.length;
  if (typeof value === 'boolean') return value ? 'true' : '';
  return Array.isArray(value) ? {} : [];
}

/** Wherever the repository's number stands: also inside pull requests. */
function renumbered(value: unknown, id: number): unknown {
  if (Array.isArray(value)) return value.map((one) => renumbered(one, id));
  if (typeof value !== 'object' || value === null) return value;
  const made = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renumbered(one, id)]));
  return made['id'] === id && 'full_name' in made ? { ...made, id: id + 1 } : made;
}
