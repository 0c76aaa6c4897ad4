/** The `Link` header of a paged answer. Only a page number is ever taken from it: the way there stays ours. */
import { PamError } from '../model/error.ts';

/**
 * The number of the next page; `null` after the last one.
 * @throws PamError `E_FORGE_PAGING` for a header that leads elsewhere, stands still, or leaves pages out
 */
export function nextPage(link: string | undefined, page: number, origin: string): number | null {
  if (link === undefined || link.trim() === '') return null;
  const relations = relationsOf(link, origin);
  const next = relations.get('next');
  const last = relations.get('last');
  if (next !== undefined) {
    if (next !== page + 1) throw badPaging('the next page is not the next one');
    return next;
  }
  if (last !== undefined && last > page) throw badPaging('pages are left out');
  return null;
}

/** One `<url>; rel="name"` after the other, as RFC 8288 has them. Other relations than ours are not our business. */
function relationsOf(link: string, origin: string): ReadonlyMap<string, number> {
  if (link.length > 8192) throw badPaging('its links are too long');
  const relations = new Map<string, number>();
  for (const part of link.split(/,\s*(?=<)/u)) {
    const [, target = '', relation = ''] = /^\s*<([^<>]*)>\s*;\s*rel="?([a-z-]+)"?\s*$/u.exec(part) ?? [];
    if (relation === '') throw badPaging('its links cannot be read');
    if (relation !== 'next' && relation !== 'last') continue;
    if (!URL.canParse(target)) throw badPaging('a link is no address');
    const url = new URL(target);
    if (url.origin !== origin) throw badPaging('a link leads to another host');
    const page = url.searchParams.get('page') ?? '';
    if (!/^[1-9]\d{0,5}$/u.test(page) || relations.has(relation)) throw badPaging('a link names no page');
    relations.set(relation, Number(page));
  }
  return relations;
}

export function badPaging(why: string): PamError {
  return new PamError('E_FORGE_PAGING', `the API did not give all pages of an answer: ${why}`);
}
