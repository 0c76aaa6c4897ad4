/**
 * The commit message of an entry, so that `git log pam-ledger` is the story. Made from the entry alone; audit
 * makes it again and reports a difference. Free text never enters it: a reason could forge a line.
 */
import type { Entry, LedgerEvent } from '../model/entry.ts';
import { EVENTS, kindOf } from './events/registry.ts';

export function tellEntry(entry: Entry): string {
  const lines = [...entry.events].sort((a, b) => rank(a) - rank(b)).map((one) => kindOf(one).line(one));
  const [first = 'nothing'] = lines;
  const subject = lines.length > 1 ? `${first} (and ${lines.length - 1} more)` : first;
  const body = lines.length > 1 ? `${lines.slice(1).join('\n')}\n\n` : '';
  return `${subject}\n\n${body}Entry: ${entry.seq}\nAt: ${entry.at}\nExecutor: ${entry.executor}\n`;
}

/** What a reader of `git log` looks for comes first: access given, access ended, then the road there. */
const rank = ({ type }: LedgerEvent): number => EVENTS[type].rank ?? Number.MAX_SAFE_INTEGER;
