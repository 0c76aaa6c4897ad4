/**
 * Armors inside entries. pam reads more spellings than ssh-keygen (CRLF, a blank line before the block), so a reader who
 * checks a statement by hand may be refused what pam believed. Builds that took armors from statement branches as they
 * were recorded such; the statement of a request was never recorded in another spelling than ssh-keygen's. Pure.
 */
import type { LedgerEvent } from '../model/entry.ts';
import type { Signed } from '../model/statement.ts';
import { isPlainArmor } from '../trust/armor.ts';

export interface OddArmor {
  readonly severity: 'error' | 'warning';
  readonly code: 'E_ARMOR' | 'W_ARMOR';
  readonly message: string;
}

export function oddArmors(event: LedgerEvent): readonly OddArmor[] {
  const { brought, requester } = statementsOf(event);
  const odd = (one: Signed): boolean => !isPlainArmor(one.armor);
  const what = `${event.type} of ${event.type === 'policy' ? `policy ${event.seq}` : event.id}`;
  return [
    ...requester.filter(odd).map(() => ({
      severity: 'error' as const,
      code: 'E_ARMOR' as const,
      message: `${what}: its requester's signature is not spelt as ssh-keygen writes it`,
    })),
    ...brought.filter(odd).map(({ text }) => ({
      severity: 'warning' as const,
      code: 'W_ARMOR' as const,
      message: `${what}: the signature of ${signerOf(text)} is not spelt as ssh-keygen writes it, which may refuse it`,
    })),
  ];
}

function statementsOf(event: LedgerEvent): {
  readonly brought: readonly Signed[];
  readonly requester: readonly Signed[];
} {
  switch (event.type) {
    case 'scheduled':
    case 'granting':
      return { brought: event.evidence.approvals, requester: [event.evidence.statement] };
    case 'stopped':
      return { brought: [event.statement], requester: [] };
    case 'policy':
      return { brought: event.statements, requester: [] };
    case 'genesis':
    case 'seen':
    case 'refused':
    case 'granted':
    case 'failed':
    case 'ending':
    case 'revoked':
    case 'revoke_failed':
    case 'heartbeat':
      return { brought: [], requester: [] };
  }
}

const signerOf = (text: string): string => /^signer: (.*)$/mu.exec(text)?.[1] ?? 'an unnamed signer';
