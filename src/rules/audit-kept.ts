/**
 * Permissions that a revocation left in place (DESIGN rule 7): for other grants that need the same access, and for
 * nothing else. The chain believes the executor's word; audit compares it with the records before the event. Pure.
 */
import type { EventOf } from '../model/entry.ts';
import { type Instant, plus } from '../model/instant.ts';
import type { RequestId } from '../model/names.ts';
import { type GrantPart, mayBeLive, type OpenRecord } from '../model/open-record.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../trust/keyring.ts';
import type { ProviderFacts } from './provider-facts.ts';
import { sameSystem } from './same-system.ts';

export interface KeptFault {
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** @param records before the event, with what earlier events of its entry made of them */
export function faultsOfKept(
  { id, kept_for: keptFor }: EventOf<'revoked'>,
  records: ReadonlyMap<RequestId, OpenRecord>,
  providers: ReadonlyMap<string, ProviderFacts>,
): readonly KeptFault[] {
  const ended = records.get(id);
  const grant = ended?.grant ?? null;
  if (ended === undefined || grant === null) return [];
  return Object.entries(keptFor).flatMap(([permission, ids]): readonly KeptFault[] => {
    const left = `${id} ended, and ${permission} of ${grant.login} on ${grant.target} was left`;
    const fault = (message: string): KeptFault => ({ severity: 'error', message: `${left}, ${message}` });
    if (!grant.permissions.includes(permission)) return [fault('which it never gave')];
    if (providers.get(grant.provider)?.objects === 'own') return [fault('which no other grant can need')];
    return ids.flatMap((other): readonly KeptFault[] => {
      const record = records.get(other);
      if (other === id || record === undefined || !givesSame(record.grant, grant, permission, providers))
        return [fault(`for ${other}, which does not give it`)];
      if (mayBeLive(record) && record.state !== 'ending') return [];
      // Recording is later than looking, and the other grant may have ended in between.
      const honest = endedAt(record) >= plus(dueAt(ended, grant), -CLOCK_TOLERANCE_SECONDS);
      return [{ severity: honest ? 'warning' : 'error', message: `${left} for ${other}, which had ended` }];
    });
  });
}

function givesSame(
  other: GrantPart | null,
  grant: GrantPart,
  permission: string,
  providers: ReadonlyMap<string, ProviderFacts>,
): boolean {
  if (other?.granting == null || other.login !== grant.login) return false;
  return other.permissions.includes(permission) && sameSystem(providers, other, grant);
}

/** Its ending was not announced, so no run checked what else needs its access. */
const dueAt = ({ ending }: OpenRecord, grant: GrantPart): Instant => ending?.at ?? grant.end;

/** From when on a reader no longer counts it as a grant that needs its access. */
const endedAt = ({ ending, final_at: final }: OpenRecord): Instant => ending?.at ?? final ?? ('' as Instant);
