/** Take away what one grant gave, and nothing else; then read back. Repeatable; success is what the target shows. */
import { EXIT, Interrupted, PamError } from '../../model/error.ts';
import type { RequestId } from '../../model/names.ts';
import type { OpenRecord } from '../../model/open-record.ts';
import { removalOf } from '../../rules/still-needed.ts';
import type { Desk } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { openTarget, orderOf, sceneOf } from './target-desk.ts';

export type Revoked =
  | {
      readonly error: null;
      readonly keptFor: Readonly<Record<string, readonly RequestId[]>>;
    }
  | { readonly error: PamError };

export async function revokeAtTarget(
  desk: Desk,
  view: Pick<LedgerView, 'state'>,
  record: OpenRecord,
  alsoEnding: ReadonlySet<RequestId>,
): Promise<Revoked> {
  const { grant } = record;
  if (grant === null) return { error: new PamError('E_BUG', `${record.id} has no grant to revoke`) };
  try {
    const { provider, session } = await openTarget(desk, grant);
    const { remove, keptFor } = removalOf(
      desk.providers,
      view.state.index,
      record,
      provider.objects,
      alsoEnding,
    );
    const order = { ...orderOf(record.id, grant, desk.clock()), permissions: remove };
    if (remove.length > 0) {
      await session.revoke(order, sceneOf(desk.providers, view.state, grant, alsoEnding));
      const shown = await session.inspect({ ...order, now: desk.clock() });
      if (shown.state !== 'absent') {
        const what = shown.state === 'present' ? `${shown.which.join(', ')} is still there` : shown.why;
        throw new PamError('E_PRV_READBACK', `${grant.target} said it revoked, but ${what}`);
      }
    }
    return { error: null, keptFor };
  } catch (error) {
    if (error instanceof PamError) return { error };
    if (error instanceof Interrupted) throw error;
    // One broken provider must not stop the other revocations of this run.
    return {
      error: new PamError('E_PRV', `revoking ${record.id} failed`, { cause: error, exit: EXIT.failed }),
    };
  }
}
