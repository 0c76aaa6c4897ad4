/** The short run and the run of the rest, as one: every test once, at full size. */
import { type CatalogueRun, SHORT } from './reporter.ts';

/**
 * @param rest of `npm run test:rest`, where there is one: it counts only beside a short run
 * @param files that have to have run in the rest, since the short run takes a sample of them or leaves them out
 * @returns `last`, where that is no short run or nothing ran beside it. Of `files` only what passed in the rest counts; a
 *   file that is missing there is missing altogether
 */
export function joinedRuns(
  last: CatalogueRun,
  rest: CatalogueRun | undefined,
  files: readonly string[],
): CatalogueRun {
  if (rest === undefined || !last.narrowed.includes(SHORT)) return last;
  const inRest = new Set(files);
  const whole = {
    files: last.files.filter((file) => !inRest.has(file)),
    passed: last.passed.filter(({ file }) => !inRest.has(file)),
  };
  return {
    // What changed after the first of them was not seen by both.
    at: Math.min(last.at, rest.at),
    narrowed: [...new Set([...last.narrowed.filter((how) => how !== SHORT), ...rest.narrowed])],
    files: [...new Set([...whole.files, ...rest.files])].sort(),
    passed: [...whole.passed, ...rest.passed],
    titles: [...new Set([...last.titles, ...rest.titles])],
  };
}
