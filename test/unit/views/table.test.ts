import { describe, expect, it } from 'vitest';
import { PamError } from '../../../src/model/error.ts';
import { errorText } from '../../../src/views/error.ts';
import { PLAIN } from '../../../src/views/style.ts';
import { table } from '../../../src/views/table.ts';

const COLUMNS = [{ head: 'ID' }, { head: 'ROLE', cut: true }, { head: 'WHY', cut: true }];
const ID = '20261129-bastion-root-2irzqd';
const ROWS = [
  [ID, 'bastion-root', 'Stuck migration 114 blocks checkout'],
  [ID.replace('2irzqd', '7k3fq2'), 'web', 'x\u001b[31m'],
];
const at = (width: number): readonly string[] =>
  table(ROWS, { terminal: true, width }, COLUMNS).trimEnd().split('\n');

describe('a table', () => {
  it.each([200, 120, 80, 60, 45, 32])('at %i columns fits, has a header, and never breaks an id', (width) => {
    const lines = at(width);
    expect(lines).toHaveLength(3);
    expect(lines[0]?.startsWith('  ID')).toBe(true);
    expect(lines[1]).toContain(ID);
    for (const one of lines) expect([...one].length).toBeLessThanOrEqual(width);
  });

  it('the last column gives way first, and goes before it says nothing', () => {
    expect(at(200)[1]).toContain('Stuck migration 114 blocks checkout');
    expect(at(60)[1]).toMatch(/bastion-root {2}Stuck migra.*…$/u);
    expect(at(45)[0]).toMatch(/ID +ROLE$/u);
    expect(at(32)[0]?.trim()).toBe('ID');
  });

  it('a pipe gets whole cells between tabs, without a header, and nothing that moves a cursor', () => {
    const piped = table(ROWS, { terminal: false, width: 20 }, COLUMNS);
    expect(piped.split('\n')[0]).toBe(ROWS[0]?.join('\t'));
    expect(piped).not.toContain('\u001b');
  });
});

it('one wrong column is told once, with how many lines say the same', () => {
  const issues = Array.from({ length: 18 }, (_, line) => ({
    file: 'policy/roles.yaml',
    line: line + 1,
    col: 3,
    code: 'E_YAML_SYNTAX' as const,
    message: 'all mapping items must start at the same column',
  }));
  const text = errorText(new PamError('E_YAML_SYNTAX', '18 problems', { issues }), PLAIN);
  expect(text).toBe(
    'error: 18 problems [E_YAML_SYNTAX]\n  policy/roles.yaml:1:3 all mapping items must start at the same column [E_YAML_SYNTAX] (17 more)\nhint: mend it where the message says; indentation is blanks, never tabs\n',
  );
});
