/**
 * Sweeps leave a trace: `status` and `audit` say when the last one ran, and warn when none did in time. A whole story in
 * which each command is a process of its own.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { expectQuiet, listOf, parse } from './expectations.ts';
import { approved, ask, bench, type Bench, must } from './workbench.ts';

let team: Bench;

beforeAll(async () => {
  team = await bench({ processes: true, remote: false, config: 'sweep_within: 30m\n' });
  const { id } = await ask(team.dana, 'web-restart', '--for', '8h');
  await approved(team, id, team.bob);
  await must(team.apply.pam(['apply']));
});

const status = async () => parse((await must(team.dana.pam(['status', '--json']))).out);
const audit = async () => parse((await must(team.dana.pam(['audit', '--json']))).out);

describe('the last sweep', () => {
  test('none yet, with access live: said and warned of, in words and in JSON', async () => {
    const told = await status();
    expect(told['last_sweep']).toBeNull();
    expect(listOf(told, 'warnings').map(({ code }) => code)).toEqual(['W_SWEEP_LATE']);
    const said = expectQuiet(await team.dana.pam(['status']));
    expect(said).toMatch(/\nLast sweep: none on record\nwarning: grants are live and .*\[W_SWEEP_LATE\]\n$/u);
    const audited = await audit();
    expect(audited).toMatchObject({ ok: true, last_sweep: null });
    expect(listOf(audited, 'findings').map(({ code }) => code)).toEqual(['W_SWEEP_LATE']);
  });

  test('[P7] a sweep is seen by both, and warned of again when it is too long ago', async () => {
    await must(team.sweep.pam(['sweep']));
    const told = await status();
    expect(told['last_sweep']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    expect(told['warnings']).toEqual([]);
    expect(expectQuiet(await team.dana.pam(['status']))).toMatch(
      /\nLast sweep: .*\d\d:\d\d:\d\d UTC \(\d+s ago\)\n$/u,
    );
    const audited = await audit();
    expect(audited).toMatchObject({ last_sweep: told['last_sweep'], findings: [] });
    expect(expectQuiet(await team.dana.pam(['audit']))).toContain(
      `last sweep ${String(told['last_sweep'])}\n`,
    );
    team.later(1900);
    expect(listOf(await status(), 'warnings').map(({ code }) => code)).toEqual(['W_SWEEP_LATE']);
    expect(listOf(await audit(), 'findings').map(({ code }) => code)).toEqual(['W_SWEEP_LATE']);
    const halted = await team.apply.pam(['apply', '--json']);
    expect(halted.code).toBe(5);
    expect(listOf(parse(halted.out), 'troubles').map(({ code }) => code)).toEqual(['E_POL_SWEEP_LATE']);
    await must(team.sweep.pam(['sweep']));
    await must(team.apply.pam(['apply']));
  });
});
