/**
 * Writes `openapi.json`: of GitHub's published description only the operations that the double answers, with their
 * answers, bodies and the schemas that those need, as JSON Schema. The package is too big to depend on (385 MB):
 *
 *   dir=$(mktemp -d) && npm install --prefix "$dir" --ignore-scripts @octokit/openapi@23.0.2
 *   node test/github/extract-openapi.mjs "$dir/node_modules/@octokit/openapi"
 *
 * What it leaves out says nothing about shape: descriptions, examples, titles, `x-` notes. What it rewrites: OpenAPI's
 * `nullable` to a type, and references to `github#/$defs/`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = '23.0.2';

const OPERATIONS = [
  'actions/cancel-workflow-run',
  'actions/create-environment-variable',
  'actions/create-repo-variable',
  'actions/create-workflow-dispatch',
  'actions/disable-workflow',
  'actions/enable-workflow',
  'actions/get-allowed-actions-repository',
  'actions/get-custom-oidc-sub-claim-for-repo',
  'actions/get-github-actions-default-workflow-permissions-repository',
  'actions/get-github-actions-permissions-repository',
  'actions/get-workflow',
  'actions/get-workflow-run',
  'actions/list-environment-secrets',
  'actions/list-environment-variables',
  'actions/list-repo-variables',
  'actions/list-repo-workflows',
  'actions/list-workflow-runs',
  'actions/re-run-workflow',
  'actions/set-allowed-actions-repository',
  'actions/set-github-actions-default-workflow-permissions-repository',
  'actions/set-github-actions-permissions-repository',
  'actions/update-environment-variable',
  'actions/update-repo-variable',
  'apps/create-installation-access-token',
  'apps/get-authenticated',
  'apps/get-repo-installation',
  'issues/add-labels',
  'issues/create-comment',
  'issues/delete-comment',
  'issues/get-comment',
  'issues/list-comments',
  'issues/list-comments-for-repo',
  'issues/list-events',
  'issues/list-labels-on-issue',
  'issues/update-comment',
  'pulls/create',
  'pulls/create-review',
  'pulls/dismiss-review',
  'pulls/get',
  'pulls/get-review',
  'pulls/list',
  'pulls/list-commits',
  'pulls/list-files',
  'pulls/list-requested-reviewers',
  'pulls/list-reviews',
  'pulls/merge',
  'pulls/request-reviewers',
  'pulls/submit-review',
  'pulls/update',
  'pulls/update-review',
  'rate-limit/get',
  'repos/compare-commits',
  'repos/create-deployment-branch-policy',
  'repos/create-dispatch-event',
  'repos/create-or-update-environment',
  'repos/create-repo-ruleset',
  'repos/delete-deployment-branch-policy',
  'repos/get',
  'repos/get-all-environments',
  'repos/get-branch',
  'repos/get-branch-protection',
  'repos/get-branch-rules',
  'repos/get-commit',
  'repos/get-environment',
  'repos/get-repo-ruleset',
  'repos/get-repo-rulesets',
  'repos/list-commits',
  'repos/list-deployment-branch-policies',
  'repos/list-pull-requests-associated-with-commit',
  'repos/update-repo-ruleset',
  'users/get-authenticated',
  'users/get-by-id',
  'users/get-by-username',
];

const SILENT = new Set([
  'description',
  'example',
  'examples',
  'title',
  'deprecated',
  'externalDocs',
  'summary',
]);

const place = process.argv[2];
if (place === undefined) throw new Error('say where @octokit/openapi is: see the top of this file');
const packageFile = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
if (packageFile.version !== VERSION) throw new Error(`this is ${packageFile.version}, not ${VERSION}`);
const api = JSON.parse(readFileSync(join(place, 'generated', 'api.github.com.json'), 'utf8'));

const needed = new Set();

/** `named`: the keys of this object are names that somebody chose (`properties`), not words of a schema. */
function schemaOf(node, named = false) {
  if (Array.isArray(node)) return node.map((one) => schemaOf(one));
  if (node === null || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string') {
    const name = node.$ref.replace('#/components/schemas/', '');
    needed.add(name);
    return nullableOf({ $ref: `github#/$defs/${name}` }, node.nullable);
  }
  const kept = Object.entries(node).filter(
    ([key]) => named || (!SILENT.has(key) && !key.startsWith('x-') && key !== 'nullable'),
  );
  const made = Object.fromEntries(
    kept.map(([key, value]) => {
      if (['enum', 'default', 'required', 'const'].includes(key) && !named) return [key, value];
      return [key, schemaOf(value, !named && ['properties', 'patternProperties'].includes(key))];
    }),
  );
  return named ? made : nullableOf(made, node.nullable);
}

function nullableOf(schema, nullable) {
  if (nullable !== true) return schema;
  if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const made = { ...schema, type: [schema.type, 'null'] };
  if (Array.isArray(made.enum) && !made.enum.includes(null)) made.enum = [...made.enum, null];
  return made;
}

const resolve = (node) =>
  typeof node.$ref === 'string'
    ? node.$ref
        .slice(2)
        .split('/')
        .reduce((at, key) => at[key], api)
    : node;

/** JSON only; `null` where a status has no body. */
function jsonOf(node) {
  const content = resolve(node).content ?? {};
  const type = Object.keys(content).find((one) => /^application\/(?:[a-z.]+\+)?json$/u.test(one));
  return type === undefined ? null : schemaOf(content[type].schema);
}

const operations = {};
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    if (!OPERATIONS.includes(operation.operationId)) continue;
    operations[operation.operationId] = {
      method: method.toUpperCase(),
      path,
      ...(operation.requestBody === undefined
        ? {}
        : {
            body: jsonOf(operation.requestBody),
            bodyRequired: resolve(operation.requestBody).required === true,
          }),
      answers: Object.fromEntries(
        Object.entries(operation.responses).map(([status, answer]) => [status, jsonOf(answer)]),
      ),
    };
  }
}
const missing = OPERATIONS.filter((one) => !Object.hasOwn(operations, one));
if (missing.length > 0) throw new Error(`not in the description: ${missing.join(', ')}`);

needed.add('basic-error');
needed.add('validation-error');
needed.add('validation-error-simple');
const $defs = {};
for (const name of needed) $defs[name] = schemaOf(api.components.schemas[name]);

/** One line an entry: a new version of the description shows which schemas changed. */
const lines = (object) =>
  Object.keys(object)
    .sort()
    .map((key) => `  ${JSON.stringify(key)}: ${JSON.stringify(object[key])}`)
    .join(',\n');
writeFileSync(
  new URL('openapi.json', import.meta.url),
  `{ "package": "@octokit/openapi@${VERSION}",\n"operations": {\n${lines(operations)}\n},\n"$defs": {\n${lines($defs)}\n} }\n`,
);
