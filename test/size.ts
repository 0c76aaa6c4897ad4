/**
 * How much is tested. `npm test` is the short run: all that is quick, and a sample of what is not. `npm run test:long`
 * (`PAM_LONG=1`) runs every file as it stands, `npm run test:rest` those of them that the short run did not run whole
 * (`long-files.ts`). Only test files may ask; `PAM_FULL=1` also tries every step and every program of the interrupt
 * tests, every hostile object by itself, and a longer race of eight executors.
 */
export const isFull = process.env['PAM_FULL'] === '1';
export const isLong = isFull || process.env['PAM_LONG'] === '1';

/** All of them in the long run; in the short one so many, evenly spaced. */
export function some<T>(cases: readonly T[], inShort: number): readonly T[] {
  if (isLong || cases.length <= inShort) return cases;
  const step = cases.length / inShort;
  return Array.from({ length: inShort }, (_, at) => cases[Math.floor((at + 0.5) * step)]).flatMap((one) =>
    one === undefined ? [] : [one],
  );
}
