/**
 * What git itself opens for us in a clone is its objects, and nothing keeps it from waiting for a pipe there or from
 * reading a device until its time is up. So their names are looked at before git is started, and none is opened.
 */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { readPlainFile } from '../files/plain-file.ts';
import { PamError } from '../model/error.ts';

/** Throws `E_GIT_FILES` when something below `objects`, or below another directory that it borrows from, is no file. */
export async function checkObjectFiles(objects: string, seen = new Set<string>()): Promise<void> {
  if (seen.has(objects)) return;
  if (seen.size > MOST_BORROWED) throw oddFile(objects, 'is one of too many that it borrows from');
  seen.add(objects);
  // Loose objects lie in 256 directories. `info` holds nothing that our git obeys but `alternates`.
  const loose = (await readdir(objects).catch(() => [])).filter((name) => /^[0-9a-f]{2}$/u.test(name));
  await Promise.all(
    ['pack', ...loose].map(async (name) => {
      const entries = await readdir(join(objects, name), { withFileTypes: true }).catch(() => []);
      const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
      if (odd !== undefined) throw oddFile(join(objects, name, odd.name), 'is no regular file');
    }),
  );
  const path = join(objects, 'info', 'alternates');
  const file = readPlainFile(path, ALTERNATES_MAX_BYTES);
  if (file.state === 'unreadable') throw oddFile(path, file.why);
  if (file.state === 'absent') return;
  for (const line of file.bytes.toString('utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    await checkObjectFiles(isAbsolute(line) ? line : join(objects, line), seen);
  }
}

/** The same for files that git opens while it looks for a repository. Links to files are as good as files here. */
export function checkGitFiles(gitDir: string): void {
  for (const name of ['HEAD', 'commondir', 'config', 'config.worktree']) {
    const path = join(gitDir, name);
    try {
      if (!statSync(path).isFile()) throw oddFile(path, 'is no regular file');
    } catch (error) {
      // What is not there, or cannot be looked at, is for git to judge.
      if (error instanceof PamError) throw error;
    }
  }
}

const MOST_BORROWED = 32;
const ALTERNATES_MAX_BYTES = 64 * 1024;

function oddFile(path: string, why: string): PamError {
  return new PamError('E_GIT_FILES', `${path} ${why}, so git is not asked to read this clone`, {
    hint: 'work in a fresh clone',
  });
}
