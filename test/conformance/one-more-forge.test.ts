/**
 * One more forge is one folder and one line: a kind is added to a copy of the project, which must then be sound in its types
 * and keep what all kinds of forge keep to (`forges.test.ts`).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'pam-one-more-'));
  for (const part of ['src', 'schemas', 'build', 'generated', 'test', 'bin', 'package.json', 'tsconfig.json'])
    cpSync(join(project, part), join(copy, part), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(join(project, 'node_modules/.bin', program), args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

const HUB = `import type { PullPort } from '../pulls/pull-port.ts';
import type { ForgeKind } from '../forge-kind.ts';
import { gitBranches } from '../git-branches.ts';

const port = (project: string): PullPort => ({
  kind: 'hub',
  title: 'Hub',
  repository: project,
  headRef: (number) => \`refs/merge-requests/\${number}/head\`,
  numberIn: () => undefined,
  begin: () => {
    throw new Error('it is never asked here');
  },
});

export const hub: ForgeKind = {
  kind: 'hub',
  title: 'Hub',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'project'],
    properties: {
      kind: { type: 'string', const: 'hub', description: 'Merge requests on Hub.' },
      project: { type: 'string', examples: ['acme/access'] },
      remote: { $ref: '#/$defs/remote', default: 'origin' },
    },
  },
  accountSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['login', 'id'],
    properties: { login: { type: 'string' }, id: { type: 'integer', minimum: 1 } },
  },
  branchesAbout: () => [],
  open: async ({ config, remote, offline, ...place }) => {
    const { main, forge } = config;
    if (offline || remote === undefined)
      return { ...gitBranches({ ...place, main, ...(remote === undefined ? {} : { remote }) }), kind: 'hub' };
    const { pullRequests } = await import('../pulls/pull-requests.ts');
    return pullRequests({ ...place, remote, main, port: port(String(forge['project'])) });
  },
};
`;

it('one more forge is a folder and its line in the registry', { timeout: 600_000 }, () => {
  mkdirSync(join(copy, 'src/forges/hub'));
  writeFileSync(join(copy, 'src/forges/hub/hub.ts'), HUB);
  const registry = join(copy, 'src/forges/registry.ts');
  const text = readFileSync(registry, 'utf8');
  expect(text).toContain('[plainGit, github]');
  const listed = text.replace('[plainGit, github]', '[plainGit, github, hub]');
  writeFileSync(registry, `import { hub } from './hub/hub.ts';\n${listed}`);
  expect(run('tsc', '--noEmit')).toBe('');
  const line = 'run --config test/vitest.config.ts test/conformance/forges.test.ts -t hub --reporter json';
  // It is one of the files of the long run.
  process.env['PAM_LONG'] = '1';
  const ran = run('vitest', ...line.split(' '));
  const { numFailedTests, testResults } = JSON.parse(ran.slice(ran.indexOf('{'))) as {
    readonly numFailedTests: number;
    readonly testResults: readonly {
      readonly assertionResults: readonly {
        readonly status: string;
        readonly ancestorTitles: readonly string[];
      }[];
    }[];
  };
  expect(numFailedTests).toBe(0);
  const about = testResults.flatMap(({ assertionResults }) => assertionResults);
  const passed = about.filter(
    ({ status, ancestorTitles }) => status === 'passed' && ancestorTitles.includes('the kind hub'),
  );
  expect(passed).toHaveLength(3);
  const [pam, people] = ['pam', 'people'].map((name) =>
    readFileSync(join(copy, `schemas/${name}.schema.json`), 'utf8'),
  );
  expect(pam).toContain('Merge requests on Hub.');
  expect(JSON.parse(people ?? '')).toHaveProperty('$defs.person.properties.hub.required', ['login', 'id']);
});
