/**
 * Desired state (DESIGN rule 7): ending one grant removes only what no other live grant still needs and what was
 * not there before pam came.
 */
import type { GrantTerms } from '../model/entry.ts';
import type { RequestId } from '../model/names.ts';
import { mayBeLive, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import { type Identities, type Place, sameSystem } from './same-system.ts';

/** One permission of one login on one system. */
export interface Access extends Place, Pick<GrantTerms, 'login'> {
  readonly permission: string;
}

export function accessOf({ provider, target, config, login }: GrantTerms, permission: string): Access {
  return { provider, target, config, login, permission };
}

/** Grants, other than `except`, that need this access and are not being ended themselves. */
export function neededBy(
  providers: Identities,
  index: OpenIndex,
  access: Access,
  except: ReadonlySet<RequestId>,
): readonly RequestId[] {
  return matching(providers, index, access, (record) => record.state !== 'ending' && !except.has(record.id));
}

/**
 * Is the access there because of a recorded grant, live or not yet revoked? Then it never counts as "before". A
 * grant that found it there explains nothing: else the last of two such grants would take standing access away.
 */
export function isExplained(
  providers: Identities,
  index: OpenIndex,
  access: Access,
  except: RequestId,
): boolean {
  const foundIt = ({ grant }: OpenRecord): boolean =>
    grant?.granting?.preexisting.includes(access.permission) === true;
  return matching(providers, index, access, (record) => record.id !== except && !foundIt(record)).length > 0;
}

/** Does any other grant that may be live hold this access, whichever executor gave it? */
export function isHeld(providers: Identities, index: OpenIndex, access: Access, except: RequestId): boolean {
  return matching(providers, index, access, (record) => record.id !== except).length > 0;
}

/** Grants of this access that were begun or whose ending was announced, and whose outcome is not recorded yet. */
export function changingNow(
  providers: Identities,
  index: OpenIndex,
  access: Access,
  except: RequestId,
): readonly RequestId[] {
  return matching(providers, index, access, ({ id, state }) => id !== except && state !== 'live');
}

function matching(
  providers: Identities,
  index: OpenIndex,
  access: Access,
  also: (record: OpenRecord) => boolean,
): readonly RequestId[] {
  const found: RequestId[] = [];
  for (const record of index.records.values()) {
    const { grant } = record;
    if (grant === null || !mayBeLive(record) || !also(record)) continue;
    if (grant.login !== access.login || !grant.permissions.includes(access.permission)) continue;
    if (sameSystem(providers, grant, access)) found.push(record.id);
  }
  return found.sort();
}

export interface Removal {
  readonly remove: readonly string[];
  /** Permission -> grants that still need it. */
  readonly keptFor: Readonly<Record<string, readonly RequestId[]>>;
}

/** What ending `record` takes away, while the grants in `alsoEnding` end in the same run. */
export function removalOf(
  providers: Identities,
  index: OpenIndex,
  record: OpenRecord,
  objects: 'own' | 'shared',
  alsoEnding: ReadonlySet<RequestId>,
): Removal {
  const { grant } = record;
  if (grant === null) return { remove: [], keptFor: {} };
  if (objects === 'own') return { remove: grant.permissions, keptFor: {} };
  const kept = new Map<string, readonly RequestId[]>();
  const remove = grant.permissions.filter((permission) => {
    if (grant.granting?.preexisting.includes(permission) === true) return false;
    const access = accessOf(grant, permission);
    const needed = neededBy(providers, index, access, new Set([...alsoEnding, record.id]));
    if (needed.length > 0) kept.set(permission, needed);
    return needed.length === 0;
  });
  return { remove, keptFor: Object.fromEntries(kept) };
}
