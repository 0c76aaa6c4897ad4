/**
 * Which rows of the attack catalogue a title proves: the ids in square brackets at its start, `[A1] ...` or
 * `[D5, D6] ...`, or `[D5] [D6] ...`. Title of a test or of a `describe` around it.
 */
const TITLE = /^(\[[A-Z]\d{1,3}(?:, ?[A-Z]\d{1,3})*\](?: ?\[[A-Z]\d{1,3}(?:, ?[A-Z]\d{1,3})*\])*)(?: |$)/u;
/** Meant as rows and written otherwise: it would count for nothing without a word. */
const NEARLY = /^(?:\[\s*[A-Za-z]\d{1,3}\b|[A-Z]\d{1,3}(?:, [A-Z]\d{1,3})*:? )/u;

/** @param titles the test's own title and those of every `describe` around it */
export function rowsOf(titles: readonly string[]): readonly string[] {
  return [...new Set(titles.flatMap((title) => TITLE.exec(title)?.[1]?.match(/[A-Z]\d+/gu) ?? []))];
}

export function isNearlyARow(title: string): boolean {
  return !TITLE.test(title) && NEARLY.test(title);
}

export interface CatalogueRow {
  readonly id: string;
  /** The row's set-up, as a reviewer reads it. */
  readonly setup: string;
}

/** Every row of every table of `catalogue.md`, in its order. */
export function rowsOfCatalogue(markdown: string): readonly CatalogueRow[] {
  return [...markdown.matchAll(/^\| ([A-Z]\d{1,3}) \| (.*?) \| /gmu)].map(([, id = '', setup = '']) => ({
    id,
    setup,
  }));
}
