/** Rulesets, what they say of a branch, and classic branch protection. Pushes by file path do not ask them. */
import {
  type Answer,
  type Asked,
  created,
  invalid,
  type Listing,
  listing,
  notFound,
  numberIn,
  ok,
  parameter,
  Refusal,
} from './answers.ts';
import { fullName, type Hub, instant, nodeId, type RulesetSetting } from './hub.ts';

export type Rule = RulesetSetting['rules'][number];

/** Numbers that stay as long as the list only grows at its end. */
const idOf = (hub: Hub, ruleset: RulesetSetting): number => 700 + hub.settings.rulesets.indexOf(ruleset);

function speaksOf(hub: Hub, ruleset: RulesetSetting, branch: string): boolean {
  const matches = (pattern: string): boolean => {
    if (pattern === '~ALL') return true;
    if (pattern === '~DEFAULT_BRANCH') return branch === hub.repository.defaultBranch;
    // `*` stops at a slash, `**` does not.
    const parts = pattern
      .split(/(\*\*|\*)/u)
      .map((one) =>
        one === '**' ? '.*' : one === '*' ? '[^/]*' : one.replaceAll(/[.+?^${}()|[\]\\]/gu, '\\$&'),
      );
    return new RegExp(`^${parts.join('')}$`, 'u').test(`refs/heads/${branch}`);
  };
  return ruleset.include.some(matches) && !(ruleset.exclude ?? []).some(matches);
}

function activeRules(hub: Hub, branch: string): readonly (readonly [RulesetSetting, Rule])[] {
  return hub.settings.rulesets
    .filter((one) => (one.enforcement ?? 'active') === 'active' && speaksOf(hub, one, branch))
    .flatMap((one) => one.rules.map((rule) => [one, rule] as const));
}

export const ruleFor = (hub: Hub, branch: string, type: string): Rule | undefined =>
  activeRules(hub, branch).find(([, rule]) => rule.type === type)?.[1];

/** Only rules in force, of whatever ruleset; who may go around them is not said here. */
export function listBranchRules(hub: Hub, asked: Asked): Listing {
  return listing(activeRules(hub, parameter(asked, 'branch')), ([ruleset, rule]) => ({
    ...rule,
    ruleset_source_type: 'Repository',
    ruleset_source: fullName(hub.repository),
    ruleset_id: idOf(hub, ruleset),
  }));
}

function showRuleset(hub: Hub, ruleset: RulesetSetting): Record<string, unknown> {
  const id = idOf(hub, ruleset);
  const at = instant(hub.repository.createdAt);
  return {
    id,
    name: ruleset.name,
    target: 'branch',
    source_type: 'Repository',
    source: fullName(hub.repository),
    enforcement: ruleset.enforcement ?? 'active',
    node_id: nodeId('RRS', id),
    _links: { self: { href: `${hub.url}/repos/${fullName(hub.repository)}/rulesets/${id}` } },
    created_at: at,
    updated_at: at,
  };
}

export const listRulesets = (hub: Hub): Listing =>
  listing(hub.settings.rulesets, (one) => showRuleset(hub, one));

function rulesetIn(hub: Hub, asked: Asked): RulesetSetting {
  const id = numberIn(asked, 'ruleset_id');
  const ruleset = hub.settings.rulesets.find((one) => idOf(hub, one) === id);
  if (ruleset === undefined) throw notFound();
  return ruleset;
}

const showWhole = (hub: Hub, ruleset: RulesetSetting): Record<string, unknown> => ({
  ...showRuleset(hub, ruleset),
  conditions: { ref_name: { include: ruleset.include, exclude: ruleset.exclude ?? [] } },
  rules: ruleset.rules,
  bypass_actors: ruleset.bypass ?? [],
});

/** The bypass list is for who may write rulesets. */
export function getRuleset(hub: Hub, asked: Asked): Answer {
  const { bypass_actors: bypass, ...shown } = showWhole(hub, rulesetIn(hub, asked));
  return ok(asked.token?.account.role === 'admin' ? { ...shown, bypass_actors: bypass } : shown);
}

/** A name is taken once in a repository. */
function settingIn(hub: Hub, asked: Asked, old: RulesetSetting | undefined): RulesetSetting {
  const { name, enforcement, bypass_actors: bypass, conditions, rules } = asked.body;
  const others = hub.settings.rulesets.filter((one) => one !== old);
  if (others.some((one) => one.name === name)) {
    throw invalid({ resource: 'Ruleset', code: 'custom', field: 'name', message: 'Name must be unique' });
  }
  const names = (conditions as { readonly ref_name?: object } | undefined)?.ref_name;
  return {
    ...(old ?? { include: [], rules: [] }),
    name: typeof name === 'string' ? name : (old?.name ?? ''),
    ...(enforcement === undefined ? {} : { enforcement }),
    ...(bypass === undefined ? {} : { bypass }),
    ...names,
    ...(rules === undefined ? {} : { rules }),
  } as RulesetSetting; // The description's check has seen the body.
}

export function createRuleset(hub: Hub, asked: Asked): Answer {
  const made = settingIn(hub, asked, undefined);
  hub.settings.rulesets.push(made);
  return created(showWhole(hub, made));
}

export function updateRuleset(hub: Hub, asked: Asked): Answer {
  const old = rulesetIn(hub, asked);
  const made = settingIn(hub, asked, old);
  hub.settings.rulesets[hub.settings.rulesets.indexOf(old)] = made;
  return ok(showWhole(hub, made));
}

export function getProtection(hub: Hub, asked: Asked): Answer {
  const branch = parameter(asked, 'branch');
  if (!hub.git.heads().has(branch)) throw new Refusal(404, 'Branch not found');
  const found = hub.settings.protections[branch];
  if (found === undefined) throw new Refusal(404, 'Branch not protected');
  return ok({ url: `${hub.url}/repos/${fullName(hub.repository)}/branches/${branch}/protection`, ...found });
}
