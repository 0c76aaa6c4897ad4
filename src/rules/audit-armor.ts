/**
 * Armors inside entries. pam reads more spellings than ssh-keygen (CRLF, a blank line before the block), so a reader who
 * checks a statement by hand may be refused what pam believed. Builds that took armors from statement branches as they
 * were recorded such; the statement of a request was never recorded in another spelling than ssh-keygen's. Pure.
 */
import type { LedgerEvent } from '../model/entry.ts';
import { isPlainArmor } from '../trust/armor.ts';
import { kindOf } from './events/registry.ts';

export interface OddArmor {
  readonly severity: 'error' | 'warning';
  readonly code: 'E_ARMOR' | 'W_ARMOR';
  readonly message: string;
}

export function oddArmors(event: LedgerEvent): readonly OddArmor[] {
  const odd = (kindOf(event).statements?.(event) ?? []).filter(({ armor }) => !isPlainArmor(armor));
  const what = `${event.type} of ${event.type === 'policy' ? `policy ${event.seq}` : event.id}`;
  return odd.map(({ type, text }): OddArmor => {
    if (type === 'request') {
      const message = `${what}: its requester's signature is not spelt as ssh-keygen writes it`;
      return { severity: 'error', code: 'E_ARMOR', message };
    }
    const message = `${what}: the signature of ${signerOf(text)} is not spelt as ssh-keygen writes it, which may refuse it`;
    return { severity: 'warning', code: 'W_ARMOR', message };
  });
}

const signerOf = (text: string): string => /^signer: (.*)$/mu.exec(text)?.[1] ?? 'an unnamed signer';
