/** One YAML file mutated in one of three ways: as bytes, as lines, or as the data that it holds. */
import { parse, stringify } from 'yaml';
import { mutateBytes } from './mutate-bytes.ts';
import { type Json, mutateJson } from './mutate-json.ts';
import { mutateLines, type Pool } from './mutate-text.ts';
import type { Random } from './random.ts';

/** Most mutants are edits of the data: the others seldom get past the parser. */
export function mutateYaml(random: Random, text: string, pool: Pool): Buffer {
  switch (random.weighed({ same: 1, spelling: 8, bytes: 13, lines: 13, data: 65 })) {
    case 'same':
      return Buffer.from(text);
    case 'spelling':
      return Buffer.from(
        random.pick([`${text}# seen\n`, `\n${text}`, text.replaceAll('\n', '\r\n'), `---\n${text}`]),
      );
    case 'bytes':
      return mutateBytes(random, Buffer.from(text));
    case 'lines':
      return Buffer.from(mutateLines(random, text, pool));
    case 'data':
      return Buffer.from(print(random, mutateJson(random, parse(text) as Json, pool)));
  }
}

function print(random: Random, value: Json): string {
  // JSON is YAML too, and the one that hides least behind the printer's quoting.
  return random.chance(0.5)
    ? `${JSON.stringify(value, null, 1)}\n`
    : stringify(value, { aliasDuplicateObjects: false });
}
