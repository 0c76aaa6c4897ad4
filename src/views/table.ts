/**
 * Columns on a terminal, with a header and no wider than it; tab-separated lines without one in a pipe. Cells are outside
 * text unless escaped before.
 */
import { line } from './escape.ts';

export interface Column {
  readonly head: string;
  /** May lose its end, or all of it, where the terminal is narrow; ids and what a person has to type never do. */
  readonly cut?: boolean;
}

export interface Screen {
  readonly terminal: boolean;
  /** Of the terminal, in characters. */
  readonly width: number;
}

/** Without columns there is no header, and nothing is cut. */
export function table(
  rows: readonly (readonly string[])[],
  { terminal, width }: Screen,
  columns: readonly Column[] = [],
): string {
  const clean = rows.map((row) => row.map(line));
  if (!terminal) return clean.map((row) => `${row.join('\t')}\n`).join('');
  const headed = columns.length === 0 ? clean : [columns.map(({ head }) => head), ...clean];
  const widths = fitted(widthsOf(headed), columns, width - INDENT);
  const shown = (row: readonly string[]): string =>
    row
      .flatMap((cell, at) => (widths[at] === 0 ? [] : [padded(cut(cell, widths[at] ?? 0), widths[at] ?? 0)]))
      .join(GAP)
      .trimEnd();
  return headed.map((row) => `${' '.repeat(INDENT)}${shown(row)}\n`).join('');
}

const INDENT = 2;
const GAP = '  ';
/** Less than this of a column says nothing, so it goes. */
const LEAST = 8;

const widthsOf = (rows: readonly (readonly string[])[]): readonly number[] =>
  rows.reduce<number[]>((sum, row) => row.map((cell, at) => Math.max(sum[at] ?? 0, lengthOf(cell))), []);

const lengthOf = (cell: string): number => [...cell].length;

/** The last column that may be cut gives way first, down to the least; then it goes, and the one before it gives way. */
function fitted(wanted: readonly number[], columns: readonly Column[], room: number): readonly number[] {
  const widths = [...wanted];
  const total = (): number =>
    widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.filter((one) => one > 0).length - 1);
  for (let at = widths.length - 1; at >= 0; at--) {
    const over = total() - room;
    if (over <= 0) break;
    const own = widths[at] ?? 0;
    if (columns[at]?.cut !== true || own === 0) continue;
    widths[at] = own - over >= LEAST ? own - over : 0;
  }
  return widths;
}

const cut = (cell: string, width: number): string =>
  lengthOf(cell) <= width
    ? cell
    : `${[...cell]
        .slice(0, Math.max(0, width - 1))
        .join('')
        .trimEnd()}…`;

const padded = (cell: string, width: number): string =>
  cell + ' '.repeat(Math.max(0, width - lengthOf(cell)));
