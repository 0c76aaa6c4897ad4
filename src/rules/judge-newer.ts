/**
 * Does this entry bring a policy of a higher version? Judged without reading what the policy says: its digest, the
 * statements of the admins in force, and the one line of pam.yaml that names the version.
 */
import type { Entry } from '../model/entry.ts';
import type { PolicyEvent } from './events/policy.ts';
import { PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { judgeAgreement, judgeOrder } from './follow-chain.ts';

/** The version of policy and ledger that this program reads and writes. */
export const KNOWN_VERSION = 1;
const VERSION_LINE = /^version: ([1-9][0-9]{0,3})$/u;

/** @returns the version where it is a higher one; none or two such lines name none */
export function versionIn(pamYaml: Uint8Array | undefined): number | undefined {
  if (pamYaml === undefined) return undefined;
  const lines = Buffer.from(pamYaml).toString('latin1').split('\n');
  const named = lines.flatMap((line) => VERSION_LINE.exec(line)?.[1] ?? []);
  const version = Number(named[0]);
  return named.length === 1 && version > KNOWN_VERSION ? version : undefined;
}

/** Throws when it does not follow. Who may sign the entry stands in a policy that cannot be read: anybody may. */
export function judgeNewer(state: ChainState, entry: Entry, event: PolicyEvent, digest: Sha256): void {
  const inForce = state.index.beats?.policy.seq ?? 0;
  if (entry.root !== state.root || entry.seq !== state.seq + 1 || entry.previous !== state.head) {
    throw new PamError('E_LED_CHAIN', `entry ${entry.seq} does not follow entry ${state.seq}`);
  }
  if (inForce === 0 || event.seq !== inForce + 1)
    throw new PamError('E_POL_ROLLBACK', `policy ${event.seq} cannot follow policy ${inForce}`);
  if (entry.policy !== digest) throw new PamError('E_LED_CHAIN', 'the entry names another policy');
  if (entry.main !== undefined) throw new PamError('E_LED_SHAPE', 'a policy entry is not an apply entry');
  judgeAgreement(state, entry, event, digest);
  judgeOrder(state, entry);
}
