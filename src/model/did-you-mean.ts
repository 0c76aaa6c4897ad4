/** Which known word was probably meant by one that looks like a typo of it. */

/** ` (did you mean threshold?)`, or nothing where no known word is near enough to be a typo. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

/** At most one edit for each three letters, so that short words are not taken for each other. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  // Longer ones are no typo of a name, and comparing them costs their length squared.
  if (word.length > LONGEST) return undefined;
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of known) {
    if (name === word || name.length > LONGEST) continue;
    const edits = editsBetween(word, name);
    if (edits > Math.max(1, Math.floor(Math.max(word.length, name.length) / 3))) continue;
    if (best === undefined || edits < best.edits) best = { name, edits };
  }
  return best?.name;
}

const LONGEST = 64;

/** Letters to add, drop, replace or swap with their neighbour (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const above = rows[i - 1] ?? [];
      let least = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
