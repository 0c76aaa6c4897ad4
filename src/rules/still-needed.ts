/**
 * Desired state (DESIGN rule 7): ending one grant removes only what no other live grant still needs and what was
 * not there before pam came.
 */
import type { GrantTerms } from '../model/entry.ts';
import type { RequestId } from '../model/names.ts';
import { mayBeLive, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import { sameJson } from './same-json.ts';

export interface Access extends Pick<GrantTerms, 'provider' | 'config' | 'login'> {
  readonly permission: string;
}

export function accessOf({ provider, config, login }: GrantTerms, permission: string): Access {
  return { provider, config, login, permission };
}

/** Grants, other than `except`, that need this access and are not being ended themselves. */
export function neededBy(
  index: OpenIndex,
  access: Access,
  except: ReadonlySet<RequestId>,
): readonly RequestId[] {
  return matching(index, access, (record) => record.state !== 'ending' && !except.has(record.id));
}

/**
 * Is the access there because of a recorded grant, live or not yet revoked? Then it never counts as "before". A
 * grant that found it there explains nothing: else the last of two such grants would take standing access away.
 */
export function isExplained(index: OpenIndex, access: Access, except: RequestId): boolean {
  const foundIt = ({ grant }: OpenRecord): boolean =>
    grant?.granting?.preexisting.includes(access.permission) === true;
  return matching(index, access, (record) => record.id !== except && !foundIt(record)).length > 0;
}

/** Does any other grant that may be live hold this access, whoever gave it? */
export function isHeld(index: OpenIndex, access: Access, except: RequestId): boolean {
  return matching(index, access, (record) => record.id !== except).length > 0;
}

/** Grants of this access that were begun or whose ending was announced, and whose outcome nobody recorded yet. */
export function changingNow(index: OpenIndex, access: Access, except: RequestId): readonly RequestId[] {
  return matching(index, access, ({ id, state }) => id !== except && state !== 'live');
}

function matching(
  index: OpenIndex,
  access: Access,
  also: (record: OpenRecord) => boolean,
): readonly RequestId[] {
  const found: RequestId[] = [];
  for (const record of index.records.values()) {
    const { grant } = record;
    if (grant === null || !mayBeLive(record) || !also(record)) continue;
    // The system itself counts, not its name: a name can be given to another machine.
    const same = grant.provider === access.provider && sameJson(grant.config, access.config);
    if (same && grant.login === access.login && grant.permissions.includes(access.permission))
      found.push(record.id);
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
  index: OpenIndex,
  record: OpenRecord,
  objects: 'own' | 'shared',
  alsoEnding: ReadonlySet<RequestId>,
): Removal {
  const { grant } = record;
  if (grant === null) return { remove: [], keptFor: {} };
  if (objects === 'own') return { remove: grant.permissions, keptFor: {} };
  const keptFor: Record<string, readonly RequestId[]> = {};
  const remove = grant.permissions.filter((permission) => {
    if (grant.granting?.preexisting.includes(permission) === true) return false;
    const access = accessOf(grant, permission);
    const needed = neededBy(index, access, new Set([...alsoEnding, record.id]));
    if (needed.length > 0) keptFor[permission] = needed;
    return needed.length === 0;
  });
  return { remove, keptFor };
}
