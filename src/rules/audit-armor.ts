/**
 * Armors inside entries. pam reads more spellings than ssh-keygen (CRLF, a blank line before the block), so a reader who
 * checks a statement by hand may be refused what pam believed. Builds that took armors from statement branches as they
 * were recorded such; what of others is spelt so was recorded by no honest executor. Pure.
 */
import type { LedgerEvent } from '../model/entry.ts';
import { isPlainArmor } from '../trust/armor.ts';
import { STATEMENT_KINDS } from '../trust/statements/registry.ts';
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
    const { travels, oddArmorsRecorded } = STATEMENT_KINDS[type];
    const whose = travels === null ? "its requester's signature" : `the signature of ${signerOf(text)}`;
    const message = `${what}: ${whose} is not spelt as ssh-keygen writes it`;
    return oddArmorsRecorded === true
      ? { severity: 'warning', code: 'W_ARMOR', message: `${message}, which may refuse it` }
      : { severity: 'error', code: 'E_ARMOR', message };
  });
}

const signerOf = (text: string): string => /^signer: (.*)$/mu.exec(text)?.[1] ?? 'an unnamed signer';
