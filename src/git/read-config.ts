/**
 * Values of one setting in a configuration file, as long as the whole file is written in the plain way in which git
 * itself writes: no quotes, escapes, comments or continued lines. Anything else is left for git itself to answer.
 */
import { plainBytes } from '../files/plain-file.ts';

const MAX_BYTES = 64 * 1024;
const SECTION = /^\[([A-Za-z][A-Za-z0-9-]*)(?: "([^"\\]*)")?\]$/u;
const SETTING = /^\t([A-Za-z][A-Za-z0-9-]*) = ([!-~](?:[ -~]*[!-~])?)$/u;
/** In a value these would be syntax. */
const SYNTAX = /["\\#;]/u;

/** One line of such a file; section and key in lower case. */
export interface Setting {
  readonly section: string;
  readonly subsection: string | undefined;
  readonly key: string;
  readonly value: string;
}

/** All of them in their order, or `undefined`. */
export function readSettings(file: string): readonly Setting[] | undefined {
  const text = plainBytes(file, MAX_BYTES)?.toString('latin1');
  if (text === undefined) return undefined;
  const settings: Setting[] = [];
  let within: Pick<Setting, 'section' | 'subsection'> | undefined;
  for (const line of text.replace(/\n$/u, '').split('\n')) {
    const [, section, subsection] = SECTION.exec(line) ?? [];
    const [, key, value] = SETTING.exec(line) ?? [];
    if (section !== undefined) within = { section: section.toLowerCase(), subsection };
    else if (within === undefined || key === undefined || value === undefined || SYNTAX.test(value))
      return undefined;
    else settings.push({ ...within, key: key.toLowerCase(), value });
  }
  return settings;
}

/** Every value of `<section>.<subsection>.<key>` (lower case but for the subsection), or `undefined`. */
export function readConfig(
  file: string,
  [section, subsection, key]: readonly [section: string, subsection: string | undefined, key: string],
): readonly string[] | undefined {
  return readSettings(file)
    ?.filter((one) => one.section === section && one.subsection === subsection && one.key === key)
    .map(({ value }) => value);
}
