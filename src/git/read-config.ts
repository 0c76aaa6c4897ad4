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

/** Every value of `<section>.<subsection>.<key>` (lower case but for the subsection), or `undefined`. */
export function readConfig(
  file: string,
  [section, subsection, key]: readonly [section: string, subsection: string, key: string],
): readonly string[] | undefined {
  const text = plainBytes(file, MAX_BYTES)?.toString('latin1');
  if (text === undefined) return undefined;
  const values: string[] = [];
  let within = false;
  for (const line of text.replace(/\n$/u, '').split('\n')) {
    const [, name, sub] = SECTION.exec(line) ?? [];
    const [, setting, value] = SETTING.exec(line) ?? [];
    if (name !== undefined) within = name.toLowerCase() === section && sub === subsection;
    else if (setting === undefined || value === undefined || SYNTAX.test(value)) return undefined;
    else if (within && setting.toLowerCase() === key) values.push(value);
  }
  return values;
}
