/** `pam init --github --apply-settings`: what has to be switched on at GitHub, each shown and asked for before it is made. */
import { kindOf } from '../forges/registry.ts';
import { executorOf } from '../flows/setup/github-files.ts';
import type { Desk } from '../flows/desk.ts';
import { EXIT, expected, PamError } from '../model/error.ts';
import type { SettingPlan } from '../model/forge.ts';
import type { Policy } from '../model/policy.ts';
import { line } from '../views/escape.ts';
import type { Session } from './session.ts';
import { vendoredDigest } from './vendored-program.ts';

/** What became of a setting. */
interface Outcome {
  readonly title: string;
  readonly state: 'there' | 'made' | 'left' | 'by hand' | 'unknown' | 'failed';
  readonly command: string;
  readonly error?: string;
}

const WORDS: Readonly<Record<Outcome['state'], string>> = {
  there: 'is so already',
  made: 'made',
  left: 'left as it is',
  'by hand': 'by hand',
  unknown: 'could not be read',
  failed: 'failed',
};

export async function applySettings(
  at: Session,
  desk: Desk,
  place: string,
  policy: Policy,
  yes: boolean,
): Promise<void> {
  const forge = await desk.forge(policy.config);
  if (forge.planSettings === undefined) {
    throw new PamError('E_OFFLINE', `${kindOf(policy.config.forge).title} is not asked with --offline`);
  }
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot()) ?? null;
  const plans = await forge.planSettings({
    root,
    bundle: vendoredDigest(place) ?? null,
    executors: { apply: executorOf(policy, true) ?? null, sweep: executorOf(policy, false) ?? null },
  });
  const outcomes: Outcome[] = [];
  for (const plan of plans) {
    const outcome = await outcomeOf(at, plan, yes);
    outcomes.push(outcome);
    if (!at.globals.json) at.tell(`${told(outcome)}\n`);
  }
  const count = (...states: readonly Outcome['state'][]): number =>
    outcomes.filter(({ state }) => states.includes(state)).length;
  const undone = count('failed', 'unknown');
  at.done({
    exit: undone === 0 ? EXIT.done : undone === outcomes.length ? EXIT.failed : EXIT.partly,
    schema: 'pam.settings/1',
    document: { ok: count('there', 'made') === outcomes.length, settings: outcomes },
    text: `${count('made')} made, ${count('there')} there already, ${count('left', 'by hand')} left to you, ${undone} failed.\nnext: pam doctor; and what no API shows: docs/pam-setup.md\n`,
  });
}

/** One that fails keeps no other from being made. */
async function outcomeOf(at: Session, plan: SettingPlan, yes: boolean): Promise<Outcome> {
  const { title, command, state, make } = plan;
  if (state !== 'missing') return { title, command, state };
  at.show(`${line(title)}\n  ${line(command)}\n`);
  try {
    await at.confirm('Do this?', yes);
    await make();
    return { title, command, state: 'made' };
  } catch (cause) {
    const { code, message } = expected(cause);
    if (code === 'E_USAGE') throw cause;
    return code === 'E_DECLINED'
      ? { title, command, state: 'left' }
      : { title, command, state: 'failed', error: message };
  }
}

function told({ title, state, command, error }: Outcome): string {
  const what = `${WORDS[state]}: ${line(title)}`;
  const why = error === undefined ? '' : `\n  ${line(error)}`;
  return ['there', 'made'].includes(state) ? what : `${what}${why}\n  ${line(command)}`;
}
