/** A new reader must be tried with hostile bytes: it has to be named in `readers.ts`, with the place where it is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FILES, REMOTE, REPOSITORY } from './readers.ts';

const src = fileURLToPath(new URL('../../src', import.meta.url));
const OPENS =
  /\b(?:readFile(?:Sync)?|open(?:Sync|Regular)|readlink(?:Sync)?|readdir(?:Sync)?|realpath(?:Sync)?|l?stat(?:Sync)?|createReadStream|opendir(?:Sync)?)\s*\(/u;

function methodsOf(name: string): readonly string[] {
  const text = readFileSync(join(src, 'model', 'git.ts'), 'utf8');
  const body = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, 'msu').exec(text)?.[1] ?? '';
  return [...body.matchAll(/^ {2}readonly (\w+):/gmu)].map(([, method]) => method ?? '').sort();
}

describe('[X86] every reader of foreign bytes is tried with hostile ones', () => {
  it('the methods of the port to Git', () => {
    expect(methodsOf('Repository')).toEqual(Object.keys(REPOSITORY).sort());
  });

  it('the methods of the port to a remote', () => {
    expect(methodsOf('Remote')).toEqual(Object.keys(REMOTE).sort());
  });

  it('the files that open files', () => {
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    const opening = files.filter((path) => {
      const code = readFileSync(join(src, path), 'utf8');
      const itself = /from 'node:fs(?:\/promises)?'/u.test(code) && OPENS.test(code);
      return itself || code.includes("/files/plain-file.ts'");
    });
    expect(opening.sort()).toEqual(Object.keys(FILES).sort());
  });
});
