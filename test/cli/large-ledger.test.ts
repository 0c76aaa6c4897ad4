/**
 * [M13] Thousands of entries, one of them tampered with: the program, which reads so many in several processes, finds
 * it and names its number, and the memory that it takes does not grow with the ledger.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { plus } from '../../src/model/instant.ts';
import type { Sha256 } from '../../src/model/names.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { writeLedger } from '../support/ledger-commits.ts';
import type { Written } from '../support/ledger-story.ts';
import { tamper } from '../support/ledger-tampering.ts';
import { longLedger } from '../support/long-ledger.ts';
import type { Tampering } from '../support/ledger-words.ts';
import { commandLine, program, runStock, tempDir } from './program.ts';

/** Wherever it strikes, the same number strikes the same entry again. */
const SEED = Number(process.env['PAM_TEST_SEED'] ?? 20_261_122);
const MEGABYTE = 1024 * 1024;
/** Enough for several, on a machine with more cores than one. */
const MANY = 4500;

let long: ReturnType<typeof longLedger>;
beforeAll(() => {
  program();
  long = longLedger(6000);
});

interface Heard {
  readonly code: number | null;
  readonly ok: boolean;
  readonly seq: number;
  readonly findings: readonly { readonly code: string; readonly seq: number }[];
  /** Bytes of memory that the process held at most. */
  readonly peak: number;
}

/** `pam audit` as a process of its own, with its clock just after the newest entry. */
async function auditOf(commits: readonly Written[], since?: string): Promise<Heard> {
  const home = tempDir();
  const dir = join(home, 'ledger.git');
  writeLedger(dir, commits);
  const newest =
    commits
      .map((one) => one.at)
      .sort()
      .at(-1) ?? long.ledger.state.entry.at;
  const ahead = Math.round((Date.parse(plus(newest, 60)) - Date.now()) / 1000);
  const peak = join(home, 'peak');
  const note = `import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`;
  const more = since === undefined ? [] : ['--since', join(home, 'since.json')];
  if (since !== undefined) writeFileSync(join(home, 'since.json'), since);
  const args = ['audit', '--json', '--root', long.ledger.state.root, '-C', dir, ...more];
  const line = ['--import', `data:text/javascript,${encodeURIComponent(note)}`, ...commandLine(args, ahead)];
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home };
  const { code, out, err } = await runStock(process.execPath, line, { cwd: home, env });
  // A person would see how far it is; nothing else is worth a word.
  expect(err).toMatch(/^(?:verified entry \d+ \.\.\.\n)*$/u);
  const told = JSON.parse(out) as Omit<Heard, 'code' | 'peak'>;
  return { ...told, code, peak: Number(readFileSync(peak, 'utf8')) * 1024 };
}

/** An even number in [from, to), by a small generator of its own (mulberry32). */
function draws(seed: number): (from: number, to: number) => number {
  let state = seed;
  return (from, to) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) % (to - from));
  };
}

/** Where the rest is not believed, what was live then is overdue by now: true, and not the tampering. */
const isNoDelay = ({ code }: { readonly code: string }): boolean => code !== 'E_LED_OVERDUE';

describe('one bad entry of many', () => {
  const draw = draws(SEED);
  const kinds: readonly (readonly [string, (n: number) => readonly Tampering[], string])[] = [
    ['dropped', (n) => [{ drop: n }], 'E_LED_CHAIN'],
    ['changed places with the next', (n) => [{ swap: [n, n + 1] }], 'E_LED_CHAIN'],
    ['exchanged its body with the next', (n) => [{ exchange: [n, n + 1] }], 'W_LED_JUNK'],
    [
      'changed by one byte',
      (n) => [{ replace: n, from: `"seq":${n},`, to: `"seq":${n + 1},` }],
      'W_LED_JUNK',
    ],
    ['signed by another key', (n) => [{ sign: n, key: 'stranger' }], 'W_LED_JUNK'],
    ['given another file', (n) => [{ write: n, file: 'more.txt', text: 'x' }], 'E_LED_TREE'],
  ];

  it.each(kinds.map(([kind, how, code]) => [kind, how, code, draw(100, MANY - 100)] as const))(
    '[M2][M13] %s: found and named',
    async (_, how, code, n) => {
      const first = { ledger: long.ledger, commits: long.commits.slice(0, MANY), heads: new Map() };
      const heard = await auditOf(
        tamper(first, how(n), () => {
          throw new TypeError('no second beginning here');
        }),
      );
      const bad = heard.findings.filter(isNoDelay).map(({ seq }) => seq);
      expect({ n, code: heard.code, ok: heard.ok, seq: heard.seq, first: Math.min(...bad) }).toEqual({
        n,
        code: 20,
        ok: false,
        // What changed places is still read; nothing after it is.
        seq: how(n)[0]?.swap === undefined ? n - 1 : n,
        first: n,
      });
      expect(heard.findings.filter(isNoDelay).find(({ seq }) => seq === n)?.code).toBe(code);
    },
  );

  it('[M2][M13] repeated on top of all: found and named', async () => {
    const n = draw(100, MANY - 100);
    const first = { ledger: long.ledger, commits: long.commits.slice(0, MANY), heads: new Map() };
    const heard = await auditOf(
      tamper(first, [{ repeat: n }], () => {
        throw new TypeError('no second beginning here');
      }),
    );
    expect(heard).toMatchObject({ code: 0, seq: MANY - 1, findings: [{ code: 'W_LED_JUNK', seq: MANY }] });
  });
});

describe('memory', () => {
  it('[M13] 6,000 entries take hardly more than 4,500', async () => {
    const some = await auditOf(long.commits.slice(0, MANY));
    const many = await auditOf(long.commits);
    expect(some).toMatchObject({ code: 0, ok: true, seq: MANY - 1, findings: [] });
    expect(many).toMatchObject({ code: 0, ok: true, seq: 5999, findings: [] });
    expect((many.peak - some.peak) / MEGABYTE).toBeLessThan(40);
  });
});

describe('only what is new', () => {
  const digestOf = ({ files }: Written): Sha256 =>
    sha256(files.get('entry.json')?.bytes ?? fail('a commit without an entry'));
  const checkpoint = (seq: number, head: Sha256, root: Sha256): string => {
    const at = long.commits[seq]?.at ?? fail(`no entry ${seq}`);
    return `${JSON.stringify({ schema: 'pam.checkpoint/1', root, seq, head, at })}\n`;
  };
  const at = (seq: number, among: readonly Written[] = long.commits): string =>
    checkpoint(seq, digestOf(among[seq] ?? fail(`no entry ${seq}`)), long.ledger.state.root);
  const tampered = (n: number): readonly Written[] =>
    tamper(
      { ledger: long.ledger, commits: long.commits.slice(0, 5000), heads: new Map() },
      [{ replace: n, from: `"seq":${n},`, to: `"seq":${n + 1},` }],
      () => fail('no second beginning here'),
    );

  it.each([4990, 500, 0])('[M1] audit --since entry %d reads what follows it', async (seq) => {
    const heard = await auditOf(long.commits.slice(0, 5000), at(seq));
    expect(heard).toMatchObject({ code: 0, ok: true, since: seq, seq: 4999, findings: [] });
    expect(heard).toMatchObject({ totals: { entries: 4999 - seq } });
  });

  it("[M2] what is bad above the checkpoint is found, what is below is the auditor's word", async () => {
    const above = await auditOf(tampered(4900), at(200));
    expect(above).toMatchObject({ code: 20, ok: false, seq: 4899 });
    expect(Math.min(...above.findings.filter(isNoDelay).map(({ seq }) => seq))).toBe(4900);
    // The head of the checkpoint is what binds what is below: another one there is not this ledger.
    const below = await auditOf(tampered(2700), at(2800));
    expect(below).toMatchObject({ code: 0, ok: true, since: 2800, seq: 4999 });
  });

  it('[M1][M17] a checkpoint that this ledger does not hold, or of another one, is refused', async () => {
    const home = tempDir();
    const dir = join(home, 'ledger.git');
    writeLedger(dir, long.commits.slice(0, 300));
    const said = async (text: string): Promise<string> => {
      writeFileSync(join(home, 'since.json'), text);
      const args = [
        'audit',
        '--root',
        long.ledger.state.root,
        '--since',
        join(home, 'since.json'),
        '-C',
        dir,
      ];
      const env = { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home };
      const { code, err } = await runStock(process.execPath, commandLine(args), { cwd: home, env });
      return `${code} ${err}`;
    };
    expect(await said(at(301))).toMatch(/^20 .*no longer holds.*E_LED_ROLLBACK/su);
    expect(await said(checkpoint(200, sha256('x'), long.ledger.state.root))).toMatch(
      /^20 .*E_LED_ROLLBACK/su,
    );
    const [genesis] = long.commits;
    const head = digestOf(genesis ?? fail('no genesis'));
    expect(await said(checkpoint(0, head, sha256('another')))).toMatch(/^20 .*E_LED_CHECKPOINT/su);
  });
});

function fail(why: string): never {
  throw new TypeError(why);
}
