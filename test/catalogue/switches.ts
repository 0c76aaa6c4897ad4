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
