/**
 * Which grants are on one system (DESIGN section 7). A target's name and its config are what policy says about a
 * system at one moment; a later policy may rename the target or switch an option while grants made under the earlier
 * one are live. So: providers must agree, and so must `identity`; where either grant names no identity, the target's
 * name or the whole config must. Pure.
 */
import type { GrantTerms } from '../model/entry.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { jsonInOrder, sameJson } from './same-json.ts';

/** What a grant recorded about where it is. */
export type Place = Pick<GrantTerms, 'provider' | 'target' | 'config'>;
export type Identities = ReadonlyMap<string, Pick<ProviderFacts, 'identity'>>;

export function sameSystem(providers: Identities, a: Place, b: Place): boolean {
  if (a.provider !== b.provider) return false;
  const [one, other] = [identityOf(providers, a), identityOf(providers, b)];
  if (one !== undefined && other !== undefined) return one === other;
  return a.target === b.target || sameJson(a.config, b.config);
}

/** `undefined` where config names none, and where this pam does not know the provider. */
export function identityOf(
  providers: Identities,
  { provider, config }: Pick<Place, 'provider' | 'config'>,
): string | undefined {
  try {
    return providers.get(provider)?.identity(config);
  } catch {
    // A config that the provider's schema refuses, of today's policy or recorded by an earlier build.
    return undefined;
  }
}

/** Equal for places that say the same about where they are, however their config is ordered. */
export const placeText = ({ provider, target, config }: Place): string =>
  jsonInOrder([provider, target, config]);

/**
 * Groups places by system. The relation is not transitive where names and configs changed by turns, so a group is
 * everything that is connected: two that may be one system are never in two groups.
 *
 * @param places one for each text of `placeText`
 * @returns for each text the texts of its group
 */
export function systemsOf(
  providers: Identities,
  places: ReadonlyMap<string, Place>,
): ReadonlyMap<string, readonly string[]> {
  const marks = new Map([...places].map(([text, place]) => [text, marksOf(providers, place)]));
  const loose = new Set([...marks.values()].flatMap(({ identity, also }) => (identity === null ? also : [])));
  const above = new Map<string, string>();
  const topOf = (mark: string): string => {
    let top = mark;
    for (let next = above.get(top); next !== undefined; next = above.get(top)) top = next;
    return top;
  };
  for (const [text, { identity, also }] of marks) {
    // Of two places that both name an identity nothing else counts.
    const shared = identity === null ? also : [identity, ...also.filter((mark) => loose.has(mark))];
    for (const mark of shared) {
      const [one, other] = [topOf(text), topOf(mark)];
      if (one !== other) above.set(one, other);
    }
  }
  const groups = new Map<string, string[]>();
  for (const text of places.keys()) {
    const group = groups.get(topOf(text)) ?? [];
    group.push(text);
    groups.set(topOf(text), group);
  }
  return new Map([...groups.values()].flatMap((group) => group.map((text) => [text, group] as const)));
}

interface Marks {
  readonly identity: string | null;
  /** By which it is found where it or the other place names no identity: name and config. */
  readonly also: readonly string[];
}

/** Two places with a mark in common are on one system, as `sameSystem` says. */
function marksOf(providers: Identities, place: Place): Marks {
  const { provider, target, config } = place;
  const identity = identityOf(providers, place);
  const mark = (kind: string, value: unknown): string => jsonInOrder([kind, provider, value]);
  return {
    identity: identity === undefined ? null : mark('identity', identity),
    also: [mark('target', target), mark('config', config)],
  };
}
