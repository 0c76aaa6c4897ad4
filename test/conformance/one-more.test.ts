/**
 * One more is one file and one line: a kind is added to a copy of the project, which must then be sound in its types and
 * keep what all of its kind keep to.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

const USED = `import type { RequestId } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, REQUEST_ID } from './schema-parts.ts';

export interface UsedEvent {
  readonly type: 'used';
  readonly id: RequestId;
  readonly times: number;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly used: UsedEvent;
  }
}

export const used: EventKind<'used'> = {
  schema: eventSchema('used', 'It was used.', { id: REQUEST_ID, times: { type: 'integer', minimum: 1 } }),
  right: 'any',
  entry: 'any',
  line: ({ id, times }) => \`used \${id}: \${times} times\`,
  sentence: ({ id, times }) => \`\${id}: used \${times} times\`,
  step: (record, _event, { wrong }) => {
    if (record?.state !== 'live') throw wrong(\`it is \${record?.state ?? 'unknown'}\`);
    return record;
  },
};
`;

describe('one more event', () => {
  it('is one file and its line in the registry', { timeout: 240_000 }, () => {
    writeFileSync(join(copy, 'src/rules/events/used.ts'), USED);
    const registry = join(copy, 'src/rules/events/registry.ts');
    const text = readFileSync(registry, 'utf8');
    expect(text).toContain('  heartbeat,\n');
    writeFileSync(
      registry,
      `import { used } from './used.ts';\n${text.replace('  heartbeat,\n', '  heartbeat,\n  used,\n')}`,
    );
    expect(run('tsc', '--noEmit')).toBe('');
    const line = 'run --config test/vitest.config.ts test/conformance/events.test.ts --reporter json';
    const ran = run('vitest', ...line.split(' '));
    const { numFailedTests, testResults } = JSON.parse(ran.slice(ran.indexOf('{'))) as {
      readonly numFailedTests: number;
      readonly testResults: readonly {
        readonly assertionResults: readonly { readonly ancestorTitles: readonly string[] }[];
      }[];
    };
    expect(numFailedTests).toBe(0);
    const about = testResults.flatMap(({ assertionResults }) => assertionResults);
    expect(about.filter(({ ancestorTitles }) => ancestorTitles.includes('used'))).toHaveLength(6);
    const schema = readFileSync(join(copy, 'schemas/entry.schema.json'), 'utf8');
    expect(schema).toContain('It was used.');
  });
});
