/** The rulesets as plans: made where there is none of that name, mended where one is weaker, and left alone where it is as strong. */
import { type Fields, fieldsOf, listOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { SettingPlan } from '../../model/forge.ts';
import {
  apiCommand,
  type Branches,
  rulesetBody,
  rulesetIds,
  type WantedRuleset,
  wantedRulesets,
  write,
} from './wanted-rules.ts';

/** Titles a plan, and makes one of what cannot be looked at. */
export type Planned = (
  title: string,
  look: () => Promise<Omit<SettingPlan, 'title'>>,
) => Promise<SettingPlan>;

export async function planRules(
  github: GitHub,
  branches: Branches,
  planned: Planned,
): Promise<readonly SettingPlan[]> {
  const plans: SettingPlan[] = [];
  for (const wanted of wantedRulesets(branches)) {
    const title = `ruleset ${wanted.name}: ${wanted.branches.join(', ')}`;
    plans.push(await planned(title, async () => await planRuleset(github, wanted)));
  }
  return plans;
}

async function planRuleset(github: GitHub, wanted: WantedRuleset): Promise<Omit<SettingPlan, 'title'>> {
  const id = (await rulesetIds(github)).get(wanted.name);
  const found = id === undefined ? undefined : await rulesetOf(github, id);
  const body = found === undefined ? rulesetBody(wanted) : strengthened(found, wanted);
  return {
    state: found !== undefined && isAsStrong(found, wanted) ? 'there' : 'missing',
    command:
      id === undefined
        ? apiCommand(github, 'POST', 'rulesets', body)
        : apiCommand(github, 'PUT', `rulesets/${id}`, body),
    make: async () => {
      await (id === undefined
        ? write(github, 'POST /repos/{owner}/{repo}/rulesets', body, `make the ruleset ${wanted.name}`)
        : write(
            github,
            'PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}',
            { ruleset_id: id, ...body },
            `mend the ruleset ${wanted.name}`,
          ));
    },
  };
}

async function rulesetOf(github: GitHub, id: number): Promise<Fields> {
  const route = 'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}';
  const wanted = { doing: `read the ruleset ${id}`, needs: 'administration: write' };
  return fieldsOf(await github.ask(route, { ruleset_id: id }, wanted), 'the ruleset');
}

const rulesIn = (found: Fields): readonly Fields[] =>
  listOf(found['rules'] ?? [], 'the rules').map((one) => fieldsOf(one, 'a rule'));

/** What a team added, or asks more of, stays; nothing is left out of it, and no account goes around it. */
function strengthened(found: Fields, wanted: WantedRuleset): Readonly<Record<string, unknown>> {
  const body = rulesetBody(wanted);
  const rules = rulesIn(found);
  const ours = wanted.rules.map((one) => ({
    ...one,
    ...(one.parameters === undefined
      ? {}
      : {
          parameters: stronger(
            rules.find(({ type }) => type === one.type)?.['parameters'] ?? {},
            one.parameters,
          ),
        }),
  }));
  const theirs = rules.filter(({ type }) => !wanted.rules.some((one) => one.type === type));
  const include = [
    ...new Set([...branchesIn(found, 'include'), ...wanted.branches.map((one) => `refs/heads/${one}`)]),
  ];
  return { ...body, conditions: { ref_name: { include, exclude: [] } }, rules: [...ours, ...theirs] };
}

/** Of two numbers the higher one, of two lists both, of two switches the one that asks for more, of two words ours. */
function stronger(found: unknown, wanted: unknown): unknown {
  if (typeof wanted === 'number') return typeof found === 'number' ? Math.max(found, wanted) : wanted;
  if (typeof wanted === 'boolean') return wanted || found === true;
  if (Array.isArray(wanted)) {
    const theirs: readonly unknown[] = Array.isArray(found) ? found : [];
    return [...theirs, ...wanted.filter((one) => !theirs.some((each) => holds(each, one)))];
  }
  if (typeof wanted !== 'object' || wanted === null) return wanted;
  const fields = fieldsOf(found, 'a rule');
  const ours = Object.entries(wanted).map(([key, value]) => [
    key,
    LOWERED.has(key) ? value : stronger(fields[key], value),
  ]);
  return { ...fields, ...Object.fromEntries(ours) };
}

function branchesIn(found: Fields, key: 'include' | 'exclude'): readonly unknown[] {
  const { ref_name: names } = fieldsOf(found['conditions'] ?? {}, 'the conditions');
  return listOf(fieldsOf(names ?? {}, 'the branches')[key] ?? [], 'the branches');
}

function isAsStrong(found: Fields, wanted: WantedRuleset): boolean {
  const included = branchesIn(found, 'include');
  const rules = rulesIn(found);
  return (
    found['enforcement'] === 'active' &&
    listOf(found['bypass_actors'] ?? [null], 'the bypass list').length === 0 &&
    branchesIn(found, 'exclude').length === 0 &&
    wanted.branches.every((one) => included.includes(`refs/heads/${one}`)) &&
    wanted.rules.every(({ type, parameters }) =>
      rules.some((one) => one['type'] === type && holds(one['parameters'], parameters)),
    )
  );
}

/** What asks for more and is taken back all the same: it would take signed approvals away (E_APR_DISMISSED). */
const LOWERED: ReadonlySet<string> = new Set(['dismiss_stale_reviews_on_push']);

/** Every value that is wanted, and for a list every item, is there; numbers may be higher, and switches on. */
function holds(found: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === 'number') return typeof found === 'number' && found >= wanted;
  if (Array.isArray(wanted))
    return Array.isArray(found) && wanted.every((one) => found.some((each) => holds(each, one)));
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  if (typeof found !== 'object' || found === null) return false;
  const fields = fieldsOf(found, 'a rule');
  return Object.entries(wanted).every(
    ([key, value]) => holds(fields[key], value) || (value === false && !LOWERED.has(key)),
  );
}
