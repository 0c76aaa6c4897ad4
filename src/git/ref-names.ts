/**
 * The ref names that pam speaks: full names in a plain alphabet, so that none can be an option, a revision
 * expression or a path that climbs (catalogue G9). Other refs of a clone or a remote are not there for pam.
 */
import { PamError } from '../model/error.ts';

const SEGMENT = '[A-Za-z0-9_](?:[A-Za-z0-9._+-]*[A-Za-z0-9_+-])?';
const REF = new RegExp(`^refs/(?:heads|remotes|tags)(?:/${SEGMENT})+$`, 'u');
const MAX_LENGTH = 240;

export function isRef(ref: string): boolean {
  return REF.test(ref) && ref.length <= MAX_LENGTH && !/\.\.|\.lock(?:\/|$)/u.test(ref);
}

/** Where a forge keeps the head of a pull request, a fork's too. Such refs are only ever read, each by its number. */
const PULL_HEAD = /^refs\/pull\/[1-9][0-9]{0,9}\/head$/u;

export const isPullHead = (ref: string): boolean => PULL_HEAD.test(ref);

/**
 * `refs/pull/12/head` is kept as `refs/remotes/origin.pull/12`: no branch of any remote is followed there, since no
 * remote that pam uses has a dot in its name.
 */
export function isPullFollowed(source: string, target: string): boolean {
  const number = isPullHead(source) ? source.split('/')[2] : undefined;
  return (
    number !== undefined && new RegExp(`^refs/remotes/[A-Za-z0-9_-]+\\.pull/${number}$`, 'u').test(target)
  );
}

export function checkRef(ref: string): string {
  if (isRef(ref)) return ref;
  throw new PamError('E_GIT_REF', `${JSON.stringify(ref)} is not a ref name that pam uses`, {
    hint: 'use a full name such as refs/heads/main, of letters, digits and . _ + -',
  });
}

/** A full ref name in which one `*` may stand for any text. */
export interface RefPattern {
  readonly before: string;
  readonly after: string;
  readonly star: boolean;
}

export function parsePattern(text: string): RefPattern {
  const [before = '', after = '', ...more] = text.split('*');
  if (!isPullHead(text)) checkRef(text.replace('*', 'x'));
  if (more.length > 0) throw new PamError('E_GIT_REF', `${JSON.stringify(text)} holds more than one star`);
  return { before, after, star: text.includes('*') };
}

/** What the star stands for in `ref` (`''` for an exact pattern); `undefined` when it does not match. */
export function matchPattern(pattern: RefPattern, ref: string): string | undefined {
  if (!pattern.star) return ref === pattern.before ? '' : undefined;
  const long = ref.length >= pattern.before.length + pattern.after.length;
  if (!long || !ref.startsWith(pattern.before) || !ref.endsWith(pattern.after)) return undefined;
  return ref.slice(pattern.before.length, ref.length - pattern.after.length);
}

export function fillPattern(pattern: RefPattern, text: string): string {
  return pattern.star ? `${pattern.before}${text}${pattern.after}` : pattern.before;
}
