/** More history for a clone that was cut. */
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expected, PamError } from '../model/error.ts';
import { cutsIn, FETCH_FLAGS, lendTips, type Line, type RemotePlace } from './line.ts';
import { checkRef } from './ref-names.ts';

/**
 * Never a fetch with a depth: that would cut what is there. Git keeps the list
 * of cuts in `shallow`; ours is a copy, and takes the place of the clone's once the commits are there.
 */
export async function deepen(
  at: RemotePlace,
  line: Line,
  branches: readonly string[],
  by: number | null,
): Promise<boolean> {
  if (cutsIn(at.place.gitDir) === undefined) return false;
  const bring = async (some: readonly string[], more: string, alone: boolean): Promise<void> => {
    await lendTips(at, line);
    const specs = some.map(
      (branch, index) => `+${checkRef(`refs/heads/${branch}`)}:refs/pam-fetched/${index}`,
    );
    await line.fetch(['fetch', ...FETCH_FLAGS, more, '--end-of-options', line.url, ...specs], { alone });
    takeCuts(at, line);
  };
  try {
    await bring(branches, by === null ? '--unshallow' : `--deepen=${by}`, false);
    return true;
  } catch (error) {
    if (!(error instanceof PamError) || branches.length === 1) throw error;
  }
  // To unshallow is to bring what is missing of every branch; so much is all of one.
  let done = false;
  let failure: unknown;
  for (const branch of branches) {
    try {
      await bring([branch], `--deepen=${by ?? ALL_OF_IT}`, true);
      done = true;
    } catch (cause) {
      const error = expected(cause);
      failure = error;
    }
  }
  if (!done) throw failure;
  return true;
}

const ALL_OF_IT = 100_000_000;

function takeCuts({ place }: RemotePlace, line: Line): void {
  const cuts = join(place.gitDir, 'shallow');
  const left = cutsIn(line.directory);
  if (left === undefined) {
    rmSync(cuts, { force: true });
    return;
  }
  const made = `${cuts}.pam-${randomBytes(6).toString('hex')}`;
  writeFileSync(made, left, { flag: 'wx' });
  renameSync(made, cuts);
}
