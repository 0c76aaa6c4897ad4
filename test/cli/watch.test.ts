/** `pam apply --watch` and `pam done`: an executor that stays, and the people whose steps it acts on. */
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from './expectations.ts';
import { beginHere, interruptRun } from './run-here.ts';
import { type Actor, bench, type Bench, must } from './workbench.ts';

let team: Bench;

beforeAll(async () => {
  team = await bench({ remote: true });
}, 120_000);

const ask = async (who: Actor): Promise<string> => {
  const wish = [
    'request',
    'bastion-root',
    '--for',
    '30m',
    '--reason',
    'to mend it',
    '--ticket',
    'T-1',
    '--json',
  ];
  return String(parse((await must(who.pam(wish))).out)['id']);
};

const stateOf = async (who: Actor, id: string): Promise<unknown> => {
  const { grants } = parse((await must(who.pam(['status', id, '--json']))).out) as {
    readonly grants: readonly { readonly id: string; readonly state: string }[];
  };
  return grants.find((one) => one.id === id)?.state;
};

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await what()) return;
    await sleep(500);
  }
  throw new Error('it did not come about');
}

const watching = (who: Actor, ...more: readonly string[]): ReturnType<typeof beginHere> =>
  beginHere(['apply', '--watch', ...more], { cwd: who.clone, env: who.env });

describe('an executor that stays', { timeout: 300_000 }, () => {
  it('grants what was merged and ends what was given back, each without being started', async () => {
    const { dana, alice, bob, apply } = team;
    const { run, ran } = watching(apply, '--every', '1s');
    const id = await ask(dana);
    await must(alice.pam(['approve', id, '--yes']));
    await must(bob.pam(['merge', id]));
    await until(async () => (await stateOf(dana, id)) === 'live');
    const given = await must(dana.pam(['done', id, '--yes']));
    expect(given.out).toContain(`${id} stopped by dana`);
    await until(async () => (await stateOf(dana, id)) === 'ended');
    interruptRun(run);
    const { code, out, err } = await ran;
    expect(code).toBe(0);
    expect(err).toContain('watching all targets as pam-apply');
    expect(out).toMatch(new RegExp(`grant +${id} .*\\n`, 'u'));
    expect(out).toMatch(new RegExp(`revoke +${id} .*given back`, 'u'));
    // What waits is told when it changes, and a round in which nothing happens not at all.
    expect(out.match(/\? wait/gu)?.length ?? 0).toBeLessThanOrEqual(3);
    expect(out.match(/Nothing to do/gu)?.length ?? 0).toBeLessThanOrEqual(3);
  });

  it('takes the next step when its wake file is touched, however seldom it asks the remote', async () => {
    const { dana, alice, bob, apply } = team;
    const wake = join(team.dir, 'wake');
    const id = await ask(dana);
    await must(alice.pam(['approve', id, '--yes']));
    const { run, ran } = watching(apply, '--every', '50s', '--wake', wake);
    await sleep(3000);
    await must(bob.pam(['merge', id]));
    writeFileSync(wake, '');
    await until(async () => (await stateOf(dana, id)) === 'live');
    interruptRun(run);
    expect((await ran).code).toBe(0);
  });

  it('ends by itself when its time is up, and prints a document a line for a script', async () => {
    const { dana, apply } = team;
    await ask(dana);
    const { ran } = watching(apply, '--timeout', '1s', '--json');
    const { code, out } = await ran;
    expect(code).toBe(0);
    const lines = out
      .split('\n')
      .filter((line) => line.startsWith('{"'))
      .map(parse);
    expect(lines.every(({ schema }) => schema === 'pam.run/1')).toBe(true);
    expect(lines.flatMap(({ steps }) => steps as readonly { readonly action: string }[])).toContainEqual(
      expect.objectContaining({ action: 'see' }),
    );
  });

  it('[X109] goes on whatever becomes of its wake file', async () => {
    const loop = join(team.dir, 'loop');
    symlinkSync(loop, loop);
    const { code, err } = await watching(team.apply, '--timeout', '1s', '--wake', join(loop, 'x')).ran;
    expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining('E_BUG') as string });
  });

  it.each([
    [['apply', '--every', '5s'], '--every goes with --watch'],
    [['sweep', '--timeout', '5s'], '--timeout goes with --watch'],
    [['apply', '--watch', '--every', 'soon'], '--every: "soon" is not a duration'],
    [['apply', '--watch', '7k3fq2'], '--watch takes no ids'],
  ])('%j is refused', async (args, message) => {
    const { code, err } = await team.apply.pam(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('pam done', { timeout: 60_000 }, () => {
  it('is for access of my own; the way to end that of others is named', async () => {
    const id = await ask(team.dana);
    const { code, err } = await team.alice.pam(['done', id, '--yes']);
    expect(code).toBe(5);
    expect(err).toContain(`${id} is not yours to give back, alice`);
    expect(err).toContain(`pam revoke ${id}`);
  });
});
