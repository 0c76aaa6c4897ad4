import { describe, expect, it } from 'vitest';
import { type Check, tellOf } from '../../../../src/model/check.ts';
import { exitOfChecks } from '../../../../src/rules/doctor/exit-of-checks.ts';
import { judgeGit } from '../../../../src/rules/doctor/judge-programs.ts';

const fine = tellOf('ledger').ok('E_LED_JUNK', '');
const warned = tellOf('policy').warning('W_KEY_NONE', '');
const unseen = tellOf('forge').unknown('E_FORGE_RECEIVE', '');
const unreachable = tellOf('remote').problem('E_FORGE_STALE', '');
const unsigned = tellOf('policy').problem('E_POL_UNSIGNED', '');
const junk = tellOf('ledger').problem('E_LED_JUNK', '');

describe('the exit of a diagnosis', () => {
  const cases: readonly (readonly [number, readonly Check[]])[] = [
    [0, []],
    [0, [fine, warned]],
    [3, [warned, unseen]],
    [1, [unseen, unreachable]],
    [4, [unreachable, unsigned, unseen]],
    [20, [junk, unsigned, unreachable, unseen]],
    // A code of the ledger is an integrity problem wherever it shows; a good check's code is none.
    [20, [tellOf('sweeps').problem('E_LED_OVERDUE', '')]],
    [1, [tellOf('targets').problem('E_PRV_ENV', '')]],
    [4, [tellOf('person').problem('E_SIGN', '')]],
  ];
  it.each(cases)('%i', (exit, checks) => {
    expect(exitOfChecks(checks)).toBe(exit);
  });
});

describe('git', () => {
  it.each([
    ['2.31.9', 'problem'],
    ['2.32', 'warning'],
    ['2.35.1', 'warning'],
    ['2.35.2', 'ok'],
    ['2.100.0', 'ok'],
    ['3.0', 'ok'],
  ])('%s: %s', (version, state) => {
    expect(judgeGit(version).state).toBe(state);
  });
});
