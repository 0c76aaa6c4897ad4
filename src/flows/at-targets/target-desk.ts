/** One grant at its target: the same three questions for grants, sweeps and looks. */
import { PamError } from '../../model/error.ts';
import type { Instant } from '../../model/instant.ts';
import { mayBeLive, type GrantPart, type OpenRecord } from '../../model/open-record.ts';
import type { RequestId } from '../../model/names.ts';
import type { GrantTerms } from '../../model/entry.ts';
import type { Order, Provider, Scene, TargetSession } from '../../model/target.ts';
import { type Place, sameSystem } from '../../rules/same-system.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { Desk } from '../desk.ts';

export interface AtTarget {
  readonly provider: Provider;
  readonly session: TargetSession;
}

/** The target as the grant recorded it, whatever policy says by now. */
export async function openTarget(
  desk: Desk,
  terms: Pick<GrantTerms, 'target' | 'provider' | 'config'>,
): Promise<AtTarget> {
  const provider = desk.providers.get(terms.provider);
  if (provider === undefined) {
    throw new PamError('E_PRV_UNKNOWN', `this pam has no provider ${terms.provider}`, {
      hint: 'use the version of pam that made the grant, or a newer one',
    });
  }
  const { target, config } = terms;
  return { provider, session: await provider.open({ target, config, env: desk.env }) };
}

export function orderOf(
  id: RequestId,
  terms: GrantTerms & Partial<Pick<GrantPart, 'granting' | 'receipt'>>,
  now: Instant,
  within: number = LONGEST_CALL_SECONDS,
): Order {
  return {
    id,
    subject: terms.subject,
    login: terms.login,
    permissions: terms.permissions,
    loginKey: terms.login_key,
    from: terms.granting?.at ?? now,
    until: terms.end,
    handle: terms.granting?.handle ?? null,
    receipt: terms.receipt ?? null,
    now,
    within,
  };
}

/** No call to a target takes longer. */
export const LONGEST_CALL_SECONDS = 30;

/** Everything on this system that a revocation list must know; put together only for a target that has one. */
export function sceneOf(
  providers: Desk['providers'],
  { root, seq, index }: Pick<ChainState, 'root' | 'seq' | 'index'>,
  place: Place,
  ending: ReadonlySet<RequestId>,
): Scene {
  let scene: Omit<Scene, 'root' | 'seq'> | undefined;
  const look = (): Omit<Scene, 'root' | 'seq'> => {
    const withHandle = [...index.records.values()].flatMap((record) => {
      const { grant } = record;
      return grant?.granting == null ? [] : [{ record, grant, handle: grant.granting.handle }];
    });
    return {
      gone: withHandle
        .filter(({ record }) => ending.has(record.id) || isGone(record))
        .filter(({ grant }) => sameSystem(providers, grant, place))
        .map(({ handle, grant }) => ({ handle, until: grant.end })),
      known: withHandle.map(({ handle }) => handle),
    };
  };
  return {
    root,
    seq,
    get gone() {
      return (scene ??= look()).gone;
    },
    get known() {
      return (scene ??= look()).known;
    },
  };
}

const isGone = (record: OpenRecord): boolean => record.state === 'ending' || !mayBeLive(record);
