/**
 * GraphQL, on GitHub's own schema: a question that does not fit it is a fault, as with the description of REST. What the
 * resolvers give is what `pam` asks about; another field of the schema has no value and says so.
 *
 * Limits: 1,000 points an hour for a job's token (5,000 for a person's), counted apart from REST's; a question costs its
 * connections, divided by a hundred, and at least one point
 * (https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api).
 */
import { buildSchema, execute, type GraphQLSchema, parse, validate } from 'graphql';
import { type Account, atLeast } from './accounts.ts';
import { type Answer, ok, Refusal } from './answers.ts';
import { followPushes } from './follow-pushes.ts';
import { fullName, type Hub, instant, type Pull } from './hub.ts';
import { allows, type Token } from './tokens.ts';

let known: Promise<GraphQLSchema> | undefined;

/** It takes a second to read, and only some tests ask. */
async function readSchema(): Promise<GraphQLSchema> {
  const { schema } = await import('@octokit/graphql-schema');
  return buildSchema(schema.idl, { assumeValidSDL: true });
}

/** Each pull request's own entry may be spoilt by a test: `null` is what a question gets that ran out of resources. */
export type Spoil = (pull: Readonly<Record<string, unknown>>, number: number) => unknown;

export async function answerGraph(
  hub: Hub,
  token: Token | undefined,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly answer: Answer; readonly faults: readonly string[] }> {
  if (token === undefined) throw new Refusal(401, 'This endpoint requires you to be authenticated.');
  const schema = await (known ??= readSchema());
  followPushes(hub);
  const { query, variables } = body;
  if (typeof query !== 'string') throw new Refusal(400, 'A query attribute must be specified');
  const document = parse(query);
  const faults = validate(schema, document).map(({ message }) => message);
  if (faults.length > 0) return { answer: ok({ errors: faults.map((message) => ({ message })) }), faults };
  hub.graph.asked += 1;
  if (hub.graph.asked > hub.graph.limit)
    return {
      answer: ok({ errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] }),
      faults: [],
    };
  const rootValue = {
    repository: ({ owner, name }: { readonly owner: string; readonly name: string }) => {
      const seen = !hub.repository.private || atLeast(token.account.role, 'read');
      const asked = `${owner}/${name}`.toLowerCase();
      if (!seen || asked !== fullName(hub.repository).toLowerCase())
        throw new Error(`Could not resolve to a Repository with the name '${owner}/${name}'.`);
      return { pullRequest: ({ number }: { readonly number: number }) => pullOf(hub, token, number) };
    },
  };
  const result = await execute({
    schema,
    document,
    rootValue,
    variableValues: { ...(variables as object | undefined) },
  });
  const { data, errors } = result;
  // What GitHub does not find or may not show is null, beside an error that says where.
  return {
    answer: ok({
      data,
      ...(errors === undefined ? {} : { errors: errors.map(({ message, path }) => ({ message, path })) }),
    }),
    faults: [],
  };
}

function pullOf(hub: Hub, token: Token, number: number): unknown {
  if (!allows(token, { pull_requests: 'read' })) throw new Error('Resource not accessible by integration');
  const pull = hub.pulls.find((one) => one.number === number);
  if (pull === undefined) throw new Error(`Could not resolve to a PullRequest with the number of ${number}.`);
  const shown = showPull(hub, token, pull);
  return hub.graph.spoil === undefined ? shown : hub.graph.spoil(shown, number);
}

function showPull(hub: Hub, token: Token, pull: Pull): Readonly<Record<string, unknown>> {
  const reviews = hub.reviews
    .filter((one) => one.pull === pull && (one.state !== 'PENDING' || one.author === token.account))
    .map((one) => ({
      fullDatabaseId: String(one.id),
      body: one.body,
      state: one.state,
      submittedAt: one.submittedAt === undefined ? null : instant(one.submittedAt),
      author: showActor(one.author),
    }));
  const comments = hub.comments
    .filter((one) => one.pull === pull)
    .map((one) => ({
      fullDatabaseId: String(one.id),
      body: one.body,
      createdAt: instant(one.createdAt),
      author: showActor(one.author),
    }));
  return { number: pull.number, reviews: listed(reviews), comments: listed(comments) };
}

/** `first` is asked for always, and at most a hundred are given. */
const listed =
  (all: readonly object[]) =>
  ({ first }: { readonly first: number }) => {
    if (first < 1 || first > 100) throw new Error('`first` must be between 1 and 100');
    return { pageInfo: { hasNextPage: all.length > first }, nodes: all.slice(0, first) };
  };

/** A bot has no `[bot]` here, and what a deleted account left has no author. */
function showActor({ deleted, type, login, id }: Account): unknown {
  if (deleted) return null;
  return { __typename: type, login: login.replace(/\[bot\]$/u, ''), databaseId: id };
}
