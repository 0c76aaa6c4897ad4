/** What was meant by a name that there is not: the nearest known one, if it is near enough. */

/**
 * One letter wrong, missing, too many or two exchanged each count one (optimal string alignment); up to a third of the
 * longer of the two may be wrong. Of several that are as near, the first in the order of the alphabet.
 */
export function didYouMean(typed: string, known: Iterable<string>): string | undefined {
  const word = typed.slice(0, LONGEST).toLowerCase();
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const one of [...known].sort()) {
    const bound = Math.min(least, Math.max(1, Math.floor(Math.max(word.length, one.length) / 3)) + 1);
    const far = distance(word, one.toLowerCase(), bound);
    if (far >= bound || one === typed) continue;
    least = far;
    nearest = one;
  }
  return nearest;
}

/** The same as the end of a sentence: ` (did you mean alice?)`, or nothing. */
export function orDidYouMean(typed: string, known: Iterable<string>): string {
  const meant = didYouMean(typed, known);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

const LONGEST = 64;

/** @param bound what is this far or farther need not be known exactly */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound;
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const ways = [(row[j] ?? bound) + 1, (next[j - 1] ?? bound) + 1, (row[j - 1] ?? bound) + same];
      next.push(Math.min(...ways, exchanged ? (before[j - 2] ?? bound) + 1 : bound + ways.length));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? bound;
}
