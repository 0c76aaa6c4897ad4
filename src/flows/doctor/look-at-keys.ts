/** Who is at the keyboard, which executor is at home here, and whether their keys count. */
import { tellOf } from '../../model/check.ts';
import { expected } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import type { Machine } from '../../model/machine.ts';
import type { Policy } from '../../model/policy.ts';
import { orDidYouMean } from '../../rules/did-you-mean.ts';
import { type AtHand, judgeKeyFile, judgeKeyInPolicy } from '../../rules/doctor/judge-key-file.ts';
import type { Executor } from '../desk.ts';
import { type Chart, look, type Visit } from './chart.ts';

export interface Who {
  readonly chart: Chart;
  readonly machine: Machine;
  readonly executor: Executor | null;
  /** `null` without a clone to judge by. */
  readonly policy: Policy | null;
  readonly now: Instant | null;
}

/** @returns the person or service of policy that looks; `null`: none is named, or policy knows none of that name */
export async function lookAtPerson(who: Who, visit: Visit): Promise<string | null> {
  const { chart, executor } = who;
  const { ok, warning, problem } = tellOf('person');
  let id: string;
  try {
    id = await visit.person();
  } catch (cause) {
    const error = expected(cause);
    if (executor !== null)
      chart.skipped.push({ area: 'person', why: 'an executor is at home here, no person' });
    else
      chart.checks.push(warning('E_WHO', 'no identity is given here, so nothing can be signed', error.hint));
    return null;
  }
  const { policy } = who;
  if (policy !== null && !Object.hasOwn(policy.people, id) && !Object.hasOwn(policy.services, id)) {
    const names = [...Object.keys(policy.people), ...Object.keys(policy.services)];
    const message = `policy knows no ${id}${orDidYouMean(id, names)}`;
    chart.checks.push(problem('E_WHO', message, 'say who you are with --as, or have an admin add you'));
    return null;
  }
  chart.checks.push(ok('E_WHO', policy === null ? `you are ${id}` : `you are ${id}, whom policy knows`));
  await look(chart, 'person', async () => {
    const { keyFile } = await visit.signer(policy === null ? [] : [policy]);
    return await judgeKey(who, { area: 'person', holder: id, named: keyFile });
  });
  return policy === null ? null : id;
}

export async function lookAtExecutor(who: Who): Promise<void> {
  const { chart, executor, policy } = who;
  const { ok, problem } = tellOf('executor');
  if (executor === null) {
    if (!chart.checks.some(({ area }) => area === 'executor'))
      chart.skipped.push({ area: 'executor', why: 'no executor is named here' });
    return;
  }
  if (policy !== null) {
    const service = Object.hasOwn(policy.services, executor.name)
      ? policy.services[executor.name]
      : undefined;
    const may = service?.executes?.may ?? [];
    chart.checks.push(
      may.length === 0
        ? problem(
            'E_EXECUTOR_RIGHT',
            `policy gives ${executor.name} no right to execute`,
            'give it `executes` in policy/people.yaml, or name another with --executor',
          )
        : ok('E_EXECUTOR_RIGHT', `${executor.name} may ${may.join(' and ')}`),
    );
  }
  await look(
    chart,
    'executor',
    async () => await judgeKey(who, { area: 'executor', holder: executor.name, named: executor.keyFile }),
  );
}

async function judgeKey(
  { machine, policy, now }: Who,
  at: Pick<AtHand, 'area' | 'holder' | 'named'>,
): Promise<ReturnType<typeof judgeKeyInPolicy>> {
  const hand: AtHand = { ...at, key: await machine.key(at.named) };
  const file = judgeKeyFile(hand);
  return policy === null || now === null ? [file] : [file, ...judgeKeyInPolicy(policy, hand, now)];
}
