import type { Elsewhere } from './judge-coverage.ts';

/** One entry of `switches.yaml`: how to switch off the rule that these rows rest on. */
export interface Switch {
  readonly rows: readonly string[];
  /** The file whose tests of these rows must then fail. */
  readonly test: string;
  readonly off: readonly {
    readonly file: string;
    /** Stands in the file exactly once. */
    readonly find: string;
    readonly put: string;
  }[];
}

/** One entry of `without.yaml`: rows with a test, behind which no rule of our own stands. */
export interface Without {
  readonly rows: readonly string[];
  readonly why: string;
}

/** Fewer would mean that the tables were not read. */
const LEAST_ROWS = 150;

/**
 * Sentences about rows that have neither a switch nor a reason to have none; none when all is well.
 * @param rows every row of the catalogue
 */
export function judgeSwitches(
  rows: readonly string[],
  switches: readonly Switch[],
  without: readonly Without[],
  elsewhere: readonly Elsewhere[],
): readonly string[] {
  const known = new Set(rows);
  const switched = new Set(switches.flatMap((one) => one.rows));
  const excused = [...without, ...elsewhere].flatMap((one) => one.rows);
  const twice = excused.filter((row, at) => switched.has(row) || excused.indexOf(row) !== at);
  return [
    ...(rows.length < LEAST_ROWS ? [`only ${rows.length} rows were found in the catalogue`] : []),
    ...rows
      .filter((row) => !switched.has(row) && !excused.includes(row))
      .map((row) => `${row} has no switch, and nothing says why`),
    ...twice.map((row) => `${row} has a reason to have no switch, and a switch or a second reason`),
    ...[...switched, ...excused]
      .filter((row) => !known.has(row))
      .map((row) => `${row} is no row of the catalogue`),
    ...without.filter(({ why }) => why.trim() === '').map((one) => `${one.rows.join()}: no reason is given`),
  ];
}
