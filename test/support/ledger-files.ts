import type { ChainState } from '../../src/trust/chain-state.ts';
import { printIndex } from '../../src/rules/print-index.ts';

/** The files of a ledger commit by path, put together without the directories that readers and writers keep. */
export function ledgerFiles(
  state: Pick<ChainState, 'policyFiles' | 'index'>,
  bytes: Uint8Array,
  signature: Uint8Array | string,
): ReadonlyMap<string, Uint8Array | string> {
  return new Map<string, Uint8Array | string>([
    ['entry.json', bytes],
    ['entry.json.sig', signature],
    ...state.policyFiles,
    ...printIndex(state.index),
  ]);
}
