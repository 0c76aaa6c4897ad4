/**
 * Proposals of the days around now. Anybody may push branches: a flood of new ones hurts new ones alone, those that
 * the ledger knows are asked for by name then, and what is merged is read from main.
 */
import type { Forge, Proposal, Wanted } from '../../model/forge.ts';
import { isFlood } from './read-statements.ts';

export interface ReadProposals {
  readonly found: readonly Proposal[];
  /** Why new ones could not be read; `null` when they could. */
  readonly flooded: string | null;
}

export async function readProposals(forge: Forge, wanted: Wanted): Promise<ReadProposals> {
  try {
    return { found: await forge.proposals(wanted), flooded: null };
  } catch (error) {
    if (!isFlood(error) || wanted.days.length === 0) throw error;
    return { found: await forge.proposals({ ...wanted, days: [] }), flooded: error.message };
  }
}
