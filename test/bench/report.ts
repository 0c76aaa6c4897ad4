/** What the bench says: one line a row, and the same as JSON. */
export interface Row {
  /** By this name a row is asked for on the command line. */
  readonly name: string;
  readonly job: string;
  /** What it took, in words with units. */
  readonly figure: string;
  /** What it is compared with, measured in the same rounds. */
  readonly against: string;
  readonly ratio: number | null;
  readonly goal: string;
  readonly met: boolean | null;
  /** Most memory of one process, MiB. */
  readonly peak: number | null;
  /** All numbers, for `bench.json`. */
  readonly numbers: Readonly<Record<string, number>>;
}

export interface Scale {
  readonly quick: boolean;
  readonly rounds: number;
  /** Past grants of the audit row, of the large ledger, and of the small one. */
  readonly audited: number;
  readonly large: number;
  readonly small: number;
  readonly requests: number;
  /** Records in `open/` at once, and of how many the sweep is that it is compared with. */
  readonly open: number;
  readonly fewOpen: number;
  readonly endings: number;
  readonly executors: number;
  readonly appends: number;
  /** Branches of the remote that are nothing to pam. */
  readonly foreign: number;
  /** That wait at once. */
  readonly proposals: number;
}

export const QUICK: Scale = {
  quick: true,
  rounds: 5,
  audited: 1000,
  large: 1000,
  small: 100,
  requests: 500,
  open: 1000,
  fewOpen: 100,
  endings: 200,
  executors: 4,
  appends: 5,
  foreign: 2000,
  proposals: 12,
};

export const FULL: Scale = {
  quick: false,
  rounds: 5,
  audited: 10_000,
  large: 100_000,
  small: 100,
  requests: 10_000,
  open: 10_000,
  fewOpen: 100,
  endings: 1000,
  executors: 8,
  appends: 50,
  foreign: 100_000,
  proposals: 100,
};

export const ms = (value: number): string =>
  value >= 10_000
    ? `${(value / 1000).toFixed(1)} s`
    : value >= 100
      ? `${value.toFixed(0)} ms`
      : value >= 1
        ? `${value.toFixed(1)} ms`
        : `${(value * 1000).toFixed(0)} us`;

export function line(row: Row): string {
  const ratio = row.ratio === null ? '' : `${row.ratio.toFixed(2)}x`;
  const met = row.met === null ? '' : row.met ? 'met' : 'NOT MET';
  const peak = row.peak === null ? '' : `${row.peak.toFixed(0)} MiB`;
  return `| ${[row.name, row.job, row.figure, row.against, ratio, row.goal, met, peak].join(' | ')} |`;
}

export const HEAD = `| row | job | figure | against | ratio | goal | | peak |\n|---|---|---|---|---|---|---|---|`;
