/** Where this machine remembers: may others write there, and may we? */
import { constants, type Stats, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DirectoryFacts } from '../model/machine.ts';

export async function examineDirectory(path: string): Promise<DirectoryFacts> {
  const stat = statOf(path);
  if (stat === undefined) {
    let above = dirname(path);
    while (statOf(above) === undefined && above !== dirname(above)) above = dirname(above);
    return {
      mode: null,
      ours: true,
      writable: statOf(above)?.isDirectory() === true && (await mayWrite(above)),
    };
  }
  const uid = process.getuid?.();
  return {
    mode: stat.mode & 0o7777,
    ours: uid === undefined || stat.uid === uid,
    writable: stat.isDirectory() && (await mayWrite(path)),
  };
}

/** Absent, or below something that is no directory. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function mayWrite(path: string): Promise<boolean> {
  return await access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
