/**
 * The commit message of an entry, so that `git log pam-ledger` is the story. Made from the entry alone; audit
 * makes it again and reports a difference. Free text never enters it: a reason could forge a line.
 */
import type { Entry, LedgerEvent } from '../model/entry.ts';

export function tellEntry(entry: Entry): string {
  const lines = [...entry.events].sort((a, b) => rank(a) - rank(b)).map(tellEvent);
  const [first = 'nothing'] = lines;
  const subject = lines.length > 1 ? `${first} (and ${lines.length - 1} more)` : first;
  const body = lines.length > 1 ? `${lines.slice(1).join('\n')}\n\n` : '';
  return `${subject}\n\n${body}Entry: ${entry.seq}\nAt: ${entry.at}\nExecutor: ${entry.executor}\n`;
}

/** What a reader of `git log` looks for comes first: access given, access ended, then the road there. */
function rank(event: LedgerEvent): number {
  const order: readonly LedgerEvent['type'][] = [
    'granting',
    'revoke_failed',
    'revoked',
    'ending',
    'stopped',
    'failed',
    'granted',
  ];
  const place = order.indexOf(event.type);
  return place === -1 ? order.length : place;
}

function tellEvent(event: LedgerEvent): string {
  switch (event.type) {
    case 'genesis':
      return 'genesis: a new ledger';
    case 'policy':
      return `policy ${event.seq}: signed by ${event.statements.map((one) => signerOf(one.text)).join(', ')}`;
    case 'seen':
      return `seen ${event.id}: ${event.requester} asks to be ${event.role}${event.subject === event.requester ? '' : ` for ${event.subject}`}`;
    case 'refused':
      return `refuse ${event.id}: ${event.reasons.map((one) => one.code).join(', ')}`;
    case 'scheduled':
      return `schedule ${event.id}: ${who(event.grant)} from ${event.grant.start ?? '-'}`;
    case 'granting':
      return `grant ${event.id}: ${who(event.grant)}`;
    case 'granted':
      return `granted ${event.id}: read back at the target`;
    case 'failed':
      return `failed ${event.id}: ${event.error.code}, nothing at the target`;
    case 'stopped':
      return `stop ${event.id}: by ${signerOf(event.statement.text)}`;
    case 'ending':
      return `end ${event.id}: ${event.cause}`;
    case 'revoked':
      return `revoked ${event.id}: gone from the target`;
    case 'revoke_failed':
      return `revoke failed ${event.id}: attempt ${event.attempt}, ${event.error.code}`;
    case 'heartbeat':
      return `heartbeat: ${event.live} live`;
  }
}

function who(grant: {
  readonly subject: string;
  readonly role: string;
  readonly end: string;
  readonly approvers: readonly string[];
}): string {
  return `${grant.subject} is ${grant.role} until ${grant.end}, approved by ${grant.approvers.join(', ')}`;
}

function signerOf(text: string): string {
  return /^signer: ([a-z0-9-]{1,40})$/mu.exec(text)?.[1] ?? 'somebody';
}
