/**
 * What an executor told without an entry that says so, remembered beside its kept head so that it tells it once. The file is its own word and
 * protects nothing: without it, or with junk in it, what stands open now is remembered and not told.
 */
import type { RequestId } from '../../model/names.ts';
import type { OpenIndex } from '../../model/open-record.ts';
import type { OpenNotice } from '../../rules/notices/open-notices.ts';

const SCHEMA = 'pam.told/1';
/** So many requests are rarely open at once; a file of this size is still read in one go. */
const MOST_KEYS = 5000;

/** `undefined`: it is no such file. */
export function readTold(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== 'object' || data === null || !('schema' in data) || data.schema !== SCHEMA)
      return undefined;
    const keys: unknown = 'told' in data ? data.told : undefined;
    if (!Array.isArray(keys)) return undefined;
    return new Set(keys.filter((key): key is string => typeof key === 'string'));
  } catch {
    return undefined;
  }
}

export const printTold = (keys: ReadonlySet<string>): string =>
  `${JSON.stringify({ schema: SCHEMA, told: [...keys].slice(0, MOST_KEYS) })}\n`;

/** What is remembered after this run: what it found, and what earlier ones found about requests that are not over. */
export function toldAfter(
  before: ReadonlySet<string>,
  found: readonly OpenNotice[],
  { records }: Pick<OpenIndex, 'records'>,
): ReadonlySet<string> {
  const isOpen = (key: string): boolean => {
    // `<event> <id> ...`; what else stands there names no record.
    const record = records.get((key.split(' ')[1] ?? '') as RequestId);
    return record !== undefined && record.final_at === null;
  };
  return new Set([...found.map(({ key }) => key), ...[...before].filter(isOpen)]);
}
