/** Columns on a terminal, tab-separated lines in a pipe. Cells are outside text unless escaped before. */
import { line } from './escape.ts';

export function table(rows: readonly (readonly string[])[], terminal: boolean): string {
  const clean = rows.map((row) => row.map(line));
  if (!terminal) return clean.map((row) => `${row.join('\t')}\n`).join('');
  const widths = clean.reduce<number[]>(
    (sum, row) => row.map((cell, at) => Math.max(sum[at] ?? 0, [...cell].length)),
    [],
  );
  const pad = (cell: string, width: number): string =>
    cell + ' '.repeat(Math.max(0, width - [...cell].length));
  return clean
    .map(
      (row) =>
        `  ${row
          .map((cell, at) => pad(cell, widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
