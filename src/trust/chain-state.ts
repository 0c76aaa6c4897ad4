import type { Entry } from '../model/entry.ts';
import type { Fingerprint, Sha256 } from '../model/names.ts';
import type { OpenIndex } from '../model/open-record.ts';
import type { Files, Policy } from '../model/policy.ts';

/** Everything that one verified entry leaves behind: all that the next step, deciding and revoking need. */
export interface ChainState {
  readonly root: Sha256;
  readonly seq: number;
  /** Digest of the newest verified entry. */
  readonly head: Sha256;
  readonly entry: Entry;
  /** The key that signed it. */
  readonly key: Fingerprint;
  /** In force after the entry. */
  readonly policy: Policy;
  readonly policyFiles: Files;
  readonly index: OpenIndex;
}
