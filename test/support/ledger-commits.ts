/** Puts ledger commits into a real bare repository, all of them by one `git fast-import`. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unixSeconds } from '../../src/model/instant.ts';
import type { Written } from './ledger-story.ts';

export const LEDGER_REF = 'refs/heads/pam-ledger';

function gitEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  };
}

/** @param commits oldest first; each follows the one before it unless it names its parents by label */
export function writeLedger(dir: string, commits: Iterable<Written>): void {
  // As `git init --bare` would make it; a program less for each of many ledgers.
  for (const part of ['objects', 'refs/heads']) mkdirSync(join(dir, part), { recursive: true });
  writeFileSync(join(dir, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(dir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
  const env = gitEnvironment();
  execFileSync('git', ['fast-import', '--quiet', '--done'], { cwd: dir, env, input: streamOf(commits) });
}

function streamOf(commits: Iterable<Written>): Buffer {
  const parts: Buffer[] = [];
  const line = (text: string): void => {
    parts.push(Buffer.from(`${text}\n`));
  };
  const data = (bytes: Uint8Array): void => {
    line(`data ${bytes.length}`);
    parts.push(Buffer.from(bytes), Buffer.from('\n'));
  };
  const marks = new Map<string, number>();
  const blobs = new Map<string, number>();
  let newest = 0;
  /** Each content travels once: a long ledger holds the same files over and over. */
  const blob = (bytes: Uint8Array): number => {
    const digest = createHash('sha256').update(bytes).digest('base64');
    const known = blobs.get(digest);
    if (known !== undefined) return known;
    newest += 1;
    line('blob');
    line(`mark :${newest}`);
    data(bytes);
    blobs.set(digest, newest);
    return newest;
  };
  let previous: string | undefined;
  for (const { label, at, message, files, parents } of commits) {
    const names = parents ?? (previous === undefined ? [] : [previous]);
    const [first, ...others] = names.map((name) => marks.get(name));
    if (names.some((name) => !marks.has(name))) throw new TypeError(`${label} follows what is not there`);
    const who = `pam-apply <pam-apply@pam> ${unixSeconds(at)} +0000`;
    const tree = [...files].map(([path, { mode, bytes }]) => `M ${mode} :${blob(bytes)} ${path}`);
    newest += 1;
    if (first === undefined) line(`reset ${LEDGER_REF}`);
    line(`commit ${LEDGER_REF}`);
    line(`mark :${newest}`);
    line(`author ${who}`);
    line(`committer ${who}`);
    data(Buffer.from(message));
    if (first !== undefined) line(`from :${first}`);
    for (const other of others) line(`merge :${other}`);
    line('deleteall');
    for (const one of tree) line(one);
    marks.set(label, newest);
    previous = label;
  }
  line('done');
  return Buffer.concat(parts);
}
