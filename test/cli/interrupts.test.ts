/**
 * Ctrl-C, SIGTERM and a closed terminal, to a real pam at chosen moments (DESIGN rule 11). One moment of each kind for each
 * command; `PAM_FULL=1` tries every program that each of them starts, with every signal.
 */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Interrupted, interrupter, keeper, type Moment, type Signal } from './interrupting.ts';
import { type Actor, askBastion, bench, type Bench, must } from './workbench.ts';
import { isFull } from '../size.ts';

const NOTHING =
  'error: interrupted: nothing was signed and nothing was changed [E_INTERRUPTED]\nhint: run it again; `pam status` says how things stand\n';
const SIGNALS: readonly Signal[] = ['INT', 'TERM', 'HUP'];
const interrupting = interrupter();

let team: Bench;
let restore: () => void;
const id = { open: '', approved: '' };

beforeAll(async () => {
  team = await bench({ processes: true, remote: true });
  id.open = await askBastion(team.dana);
  id.approved = await askBastion(team.erin);
  await must(team.alice.pam(['approve', id.approved, '--yes']));
  for (const who of [team.bob, team.carol]) await must(who.pam(['status']));
  restore = keeper(team);
}, 400_000);

const refs = (): string => execFileSync('git', ['-C', team.bare ?? '', 'for-each-ref'], { encoding: 'utf8' });

interface Command {
  readonly name: string;
  readonly who: () => Actor;
  readonly args: () => readonly string[];
  /** Of the line that tells what is out. */
  readonly back: RegExp;
}

const PUBLISHING: readonly Command[] = [
  {
    name: 'approve',
    who: () => team.alice,
    args: () => ['approve', id.open, '--yes'],
    back: /the approval of \S+ is out; to take it back, stop the request: pam deny \S+/u,
  },
  {
    name: 'request',
    who: () => team.erin,
    args: () => ['request', 'web-restart', '--for', '5m', '--reason', 'to mend the checkout'],
    back: /the request \S+ is out; to take it back: pam deny \S+/u,
  },
  {
    name: 'deny',
    who: () => team.bob,
    args: () => ['deny', id.open, '--yes', '--reason', 'no'],
    back: /the stop of \S+ is out, and a stop is final/u,
  },
  {
    name: 'merge',
    who: () => team.carol,
    args: () => ['merge', id.approved],
    back: /\S+ is merged; to take it back, stop it: pam deny \S+/u,
  },
];

/** What it starts when nothing interrupts it. */
async function startedBy({ who, args }: Pick<Command, 'who' | 'args'>): Promise<readonly string[]> {
  const { code, started, err } = await interrupting.run(who(), args(), null);
  restore();
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return started;
}

async function interrupted(
  { who, args }: Pick<Command, 'who' | 'args'>,
  moment: Moment,
): Promise<Interrupted & { readonly out: string; readonly isOut: boolean }> {
  const before = refs();
  const ran = await interrupting.run(who(), args(), moment);
  const isOut = refs() !== before;
  restore();
  return { ...ran, isOut };
}

const pushOf = (started: readonly string[]): number => started.indexOf('git push') + 1;

describe('[X50] before something was published', () => {
  test.each(PUBLISHING)('$name signs and sends nothing', async (command) => {
    const started = await startedBy(command);
    const push = pushOf(started);
    expect(push).toBeGreaterThan(1);
    const turn = PUBLISHING.indexOf(command);
    const moments: readonly Moment[] = isFull
      ? Array.from({ length: push - 1 }, (_, at) => at + 1).flatMap((at) =>
          SIGNALS.flatMap((signal) =>
            (['pam', 'group'] as const).map((to): Moment => ({ at, when: 'before', signal, to })),
          ),
        )
      : [
          { at: started.indexOf('git fetch') + 1, when: 'before', signal: 'INT', to: 'group' },
          { at: push - 1, when: 'before', signal: SIGNALS[turn % 3] ?? 'INT', to: 'pam' },
        ];
    for (const moment of moments) {
      const { code, err, isOut, out } = await interrupted(command, moment);
      expect({ moment, code, err, out, isOut }).toEqual({
        moment,
        code: 130,
        err: NOTHING,
        out: '',
        isOut: false,
      });
    }
  });

  test.each([
    ['status', ['status']],
    ['show', ['show']],
    ['plan', ['plan']],
    ['check', ['check']],
    ['audit', ['audit']],
    ['doctor', ['doctor']],
  ])('%s makes no answer of it', async (name, line) => {
    const args = (): readonly string[] => (name === 'show' ? ['show', id.open] : line);
    const who = (): Actor => team.bob;
    const { started } = await interrupting.run(who(), args(), null);
    restore();
    const turn = name.length;
    const places = isFull ? started.map((_, at) => at + 1) : [Math.ceil(started.length / 2)];
    for (const at of places) {
      const moment: Moment = { at, when: 'before', signal: SIGNALS[turn % 3] ?? 'INT', to: 'group' };
      const { code, err, out } = await interrupted({ who, args }, moment);
      expect({ moment, code, err, out }).toEqual({ moment, code: 130, err: NOTHING, out: '' });
    }
  });
});

describe('[X51] after it was published', () => {
  test.each(PUBLISHING)('$name exits with 0 and says how to take it back', async (command) => {
    const at = pushOf(await startedBy(command));
    const signal = SIGNALS[PUBLISHING.indexOf(command) % 3] ?? 'INT';
    const { code, err, isOut } = await interrupted(command, { at, when: 'after', signal, to: 'group' });
    expect({ code, isOut }).toEqual({ code: 0, isOut: true });
    const last = err.trimEnd().split('\n').at(-1) ?? '';
    expect(last).toMatch(/^interrupted, but /u);
    expect(last).toMatch(command.back);
  });
});

describe('[X52] the push itself is ended', () => {
  const [approve] = PUBLISHING as readonly [Command, ...Command[]];

  test('one that arrived is out, one that did not is not: the remote is asked once', async () => {
    const at = pushOf(await startedBy(approve));
    const arrived = await interrupted(approve, { at, when: 'dies', signal: 'INT', to: 'group' });
    expect({ code: arrived.code, isOut: arrived.isOut }).toEqual({ code: 0, isOut: true });
    expect(arrived.err).toMatch(approve.back);
    expect(arrived.started.slice(at).filter((one) => one === 'git ls-remote')).toHaveLength(1);
    const lost = await interrupted(approve, { at, when: 'before', signal: 'INT', to: 'group' });
    expect({ code: lost.code, isOut: lost.isOut, err: lost.err }).toEqual({
      code: 130,
      isOut: false,
      err: expect.stringContaining('the remote does not hold it, but may still take it') as unknown,
    });
    expect(lost.started.slice(at).filter((one) => one === 'git ls-remote')).toHaveLength(1);
  });
});
