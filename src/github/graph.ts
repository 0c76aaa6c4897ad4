/**
 * Answers of GraphQL. What is wrong comes with status 200 there, in `errors` beside `data`, which may be whole or in part
 * all the same: https://docs.github.com/en/graphql/guides/using-graphql-clients and
 * https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
 */
import { PamError } from '../model/error.ts';
import { fieldsOf, listOf, misshapen } from './answer-shape.ts';
import type { Wanted } from './api-errors.ts';

/** @returns `data`, where there is some; what is missing in it is for its reader, who asks for that by itself */
export function dataOf(answer: unknown, { doing }: Wanted): unknown {
  const { data, errors } = fieldsOf(answer, 'an answer of GraphQL');
  if (data !== undefined && data !== null) return data;
  const types = listOf(errors ?? [], 'errors of GraphQL').map((one) => fieldsOf(one, 'an error')['type']);
  if (types.includes('RATE_LIMITED'))
    throw new PamError('E_FORGE_BUSY', `cannot ${doing}: GitHub takes no more questions for now`, {
      hint: 'come back in a few minutes',
    });
  throw types.length === 0
    ? misshapen('GraphQL said neither data nor errors')
    : new PamError('E_FORGE_REFUSED', `cannot ${doing}: GitHub refuses the question`);
}
