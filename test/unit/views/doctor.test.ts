import { expect, test } from 'vitest';
import type { Check } from '../../../src/model/check.ts';
import { tellOf } from '../../../src/model/check.ts';
import { doctorText } from '../../../src/views/doctor.ts';
import { styleOf } from '../../../src/views/style.ts';

const checks: readonly Check[] = [
  tellOf('policy').warning('W_POL_SWEEPER', 'only pam-apply may end what it grants', 'add a service'),
  tellOf('policy').problem('E_POL_UNSIGNED', 'main holds another policy', 'pam ratify'),
  tellOf('person').warning('W_KEY_EXPIRES', 'your key expires', 'make another'),
  tellOf('sweeps').warning('W_SWEEP_UNBOUND', 'sweep_within is not set', 'set it'),
];
const text = async (mendedBy: readonly string[]): Promise<readonly string[]> =>
  doctorText({ checks, skipped: [], mendedBy }, await styleOf(false), false).split('\n');

test('warnings that only admins can mend are one line to others, and nothing else is', async () => {
  expect(await text(['alice', 'bob'])).toEqual([
    '2 warnings for the admins (alice, bob): pam doctor --all',
    'warning person: your key expires [W_KEY_EXPIRES]',
    '  do: make another',
    'problem policy: main holds another policy [E_POL_UNSIGNED]',
    '  do: pam ratify',
    'Checked 4: 1 problem, 3 warnings.',
    '',
  ]);
});

test('who can mend them is told each, with what to do', async () => {
  const told = await text([]);
  expect(told).toHaveLength(10);
  expect(told.slice(0, 2)).toEqual([
    'warning policy: only pam-apply may end what it grants [W_POL_SWEEPER]',
    '  do: add a service',
  ]);
});
