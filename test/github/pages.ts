/** Pages as GitHub cuts them: 30 when nothing is said, never more than 100, and a `Link` that names the repository by number. */
import type { Answer, Listing } from './answers.ts';

export interface PageAsked {
  readonly page: number;
  readonly perPage: number;
}

export function pageAsked(query: URLSearchParams): PageAsked {
  return {
    page: positive(query.get('page'), 1),
    perPage: Math.min(positive(query.get('per_page'), 30), 100),
  };
}

function positive(text: string | null, otherwise: number): number {
  return text !== null && /^[1-9][0-9]{0,8}$/u.test(text) ? Number(text) : otherwise;
}

/** `self`: this very request's URL, of which only `page` changes. */
export function cutPage(listing: Listing, query: URLSearchParams, self: URL): Answer {
  const { page, perPage } = pageAsked(query);
  const { items, wrap } = listing;
  const show = listing.show as (item: unknown) => unknown;
  const shown = items.slice((page - 1) * perPage, page * perPage).map(show);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const links = [
    ...(page > 1 ? [linkTo(self, Math.min(page - 1, last), 'prev')] : []),
    ...(page < last ? [linkTo(self, page + 1, 'next'), linkTo(self, last, 'last')] : []),
    ...(page > 1 ? [linkTo(self, 1, 'first')] : []),
  ];
  return {
    status: 200,
    body: wrap === undefined ? shown : { total_count: items.length, [wrap]: shown },
    ...(links.length === 0 ? {} : { headers: { Link: links.join(', ') } }),
  };
}

export function linkTo(self: URL, page: number, rel: string): string {
  const url = new URL(self);
  url.searchParams.set('page', String(page));
  return `<${url.href}>; rel="${rel}"`;
}
