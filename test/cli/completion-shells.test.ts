/** The scripts of `pam completion`, sourced by the shells themselves: what the tab key makes of a line. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { program, type Ran, runStock, tempDir } from './program.ts';

const isHere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

let home: string;
let env: Readonly<Record<string, string>>;

beforeAll(() => {
  home = tempDir();
  const bin = tempDir();
  const pam = join(bin, 'pam');
  writeFileSync(pam, `#!/bin/sh\nexec "${process.execPath}" "${program()}" "$@"\n`);
  chmodSync(pam, 0o755);
  env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: home, TERM: 'dumb', LANG: 'C.UTF-8' };
  writeFileSync(join(home, 'request.yaml'), '');
});

const shell = async (name: string, args: readonly string[]): Promise<Ran> =>
  await runStock(name, [...args], { cwd: home, env });

/** What is completed to what; nothing of it is run. */
const LINES: readonly (readonly [typed: string, whole: string])[] = [
  ['pam appr', 'pam approve '],
  ['pam status --col', 'pam status --color '],
  ['pam --color never completion zs', 'pam --color never completion zsh '],
  ['pam show $(touch ran) --col', 'pam show $(touch ran) --color '],
  // Where pam has no word, a file it is.
  ['pam check req', 'pam check request.yaml '],
];

describe.skipIf(!isHere('fish'))('fish (needs fish)', () => {
  test.each(LINES)('%s', async (typed, whole) => {
    const source = 'pam completion fish | source; complete -C "$argv[1]"';
    const { code, out, err } = await shell('fish', ['--no-config', '-c', source, typed]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n').map((line) => line.split('\t')[0])).toEqual([whole.trim().split(' ').at(-1), '']);
    expect(readdirSync(home)).not.toContain('ran');
  });
});

describe.skipIf(!isHere('zsh'))('zsh (needs zsh)', () => {
  /** A zsh of its own, at a terminal: each line is typed, then tab, then a key that writes down what stands there. */
  async function typedInto(begin: string): Promise<readonly string[]> {
    const place = tempDir();
    const lines = join(place, 'lines');
    const rc = `PROMPT=''; autoload -U compinit; ${begin}
show() { print -r -- "$BUFFER" >> ${lines}; BUFFER=''; }
zle -N show; bindkey -e; bindkey '^X' show; touch ${join(place, 'ready')}
`;
    writeFileSync(join(place, '.zshrc'), rc);
    const wait = (until: string): string => `for i in {1..600}; do [[ ${until} ]] && break; sleep 0.05; done`;
    const typing = LINES.map(
      ([typed], at) =>
        `zpty -w -n z ${quoted(typed)}$'\\t\\x18'; ${wait(`"$(wc -l < ${lines} 2>/dev/null)" -gt ${at}`)}`,
    );
    const script = `zmodload zsh/zpty; cd ${home}; zpty -b z env ZDOTDIR=${place} zsh -d -i
${wait(`-e ${join(place, 'ready')}`)}; sleep 0.3
${typing.join('\n')}
zpty -d z`;
    const { code } = await shell('zsh', ['-f', '-c', script]);
    expect(code).toBe(0);
    return readFileSync(lines, 'utf8').split('\n').slice(0, -1);
  }
  const quoted = (text: string): string => `'${text}'`;
  const WHOLE = LINES.map(([, whole]) => whole);

  test('sourced after compinit', async () => {
    expect(await typedInto('compinit -u -D; source <(pam completion zsh)')).toEqual(WHOLE);
    expect(readdirSync(home)).not.toContain('ran');
  }, 60_000);

  test('as a file of fpath, from the first line on', async () => {
    const functions = join(home, 'functions');
    mkdirSync(functions);
    const { out } = await shell('pam', ['completion', 'zsh']);
    writeFileSync(join(functions, '_pam'), out);
    expect(await typedInto(`fpath=(${functions} $fpath); compinit -u -D`)).toEqual(WHOLE);
  }, 60_000);
});
