/** Variables of the repository and of its environments, as the API lists them: https://docs.github.com/en/rest/actions/variables */
import { type Fields, fieldsOf, listOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub, Route } from '../../github/api.ts';
import type { Wanted } from '../../github/api-errors.ts';

/** There may be hundreds of others: every account with write may make some. */
const PAGE_OF_VARIABLES = 30;
const MOST_PAGES = 20;

/** @returns the one of that name; `undefined` where there is none */
export async function variableIn(
  github: GitHub,
  list: Route,
  of: Readonly<Record<string, string>>,
  variable: string,
  wanted: Wanted,
): Promise<Fields | undefined> {
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const answer = await github.ask(list, { ...of, per_page: PAGE_OF_VARIABLES, page }, wanted);
    const listed = listOf(fieldsOf(answer, 'the variables')['variables'] ?? [], 'the variables');
    const variables = listed.map((one) => fieldsOf(one, 'a variable'));
    const found = variables.find((one) => textOf(one, 'name', 'a variable') === variable);
    if (found !== undefined || listed.length < PAGE_OF_VARIABLES) return found;
  }
  return undefined;
}
