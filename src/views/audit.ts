import type { Audited } from '../flows/audit/audit.ts';
import type { Log, LogLine } from '../flows/audit/log.ts';
import { claimsOf } from '../trust/statement-text.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';

export function auditText(audited: Audited, style: Style): string {
  const { totals, findings } = audited;
  const executors = Object.entries(totals.byExecutor).map(([name, count]) => `${count} by ${name}`);
  const lines = findings.map((one) => {
    const word = one.severity === 'error' ? style.bad(one.severity) : style.warn(one.severity);
    return `  ${word} entry ${one.seq}: ${line(one.message)} [${one.code}]`;
  });
  lines.push(
    `${audited.ok ? style.good('verified') : style.bad('NOT VERIFIED')}: ${totals.entries} entries, ${totals.policies} policies, ${totals.grants} grants, ${totals.revocations} revocations, ${totals.live} live`,
    ...(audited.since === null
      ? []
      : [
          `  only what follows entry ${audited.since} was read; your checkpoint vouches for it and what is below`,
        ]),
    `  root ${audited.root}${audited.pinned ? '' : ' (UNPINNED)'}`,
    `  head ${audited.head} (entry ${audited.seq}, at ${audited.at})`,
    `  last sweep ${audited.lastSweep ?? 'none on record'}`,
    ...(findings.some(({ code }) => code === 'E_LED_OVERDUE')
      ? ['  this clone knows nothing newer; `git fetch` brings what others recorded since']
      : []),
    `  signed by people   ${totals.signedByPeople} statements: who asked, who approved, for what and how long`,
    `  bounded            times, by the order of the entries`,
    `  executor's word    ${executors.join(', ')}: that a request was merged, an incident open, access read back`,
  );
  return `${lines.join('\n')}\n`;
}

export function logText(log: Log, style: Style): string {
  const lines = log.events.map((one) => `${one.at}  ${String(one.seq).padStart(5)}  ${line(sentence(one))}`);
  lines.push(style.dim(`head ${log.head} (entry ${log.seq}, at ${log.at})`));
  return `${lines.join('\n')}\n`;
}

/** The statement was verified with its entry; `claimsOf` only reads it. */
function whoAndWhy(text: string): string {
  const { signer, because } = claimsOf(text);
  return because === null ? signer : `${signer}: ${because}`;
}

function sentence(one: LogLine): string {
  switch (one.type) {
    case 'genesis':
      return 'genesis: a new ledger';
    case 'policy':
      return `policy ${one.version} came into force, signed by ${one.statements.length}`;
    case 'seen':
      return `${one.id}: ${one.requester} asks to be ${one.role}${one.subject === one.requester ? '' : ` for ${one.subject}`}`;
    case 'refused':
      return `${one.id}: refused: ${one.reasons.map(({ message, code }) => `${message} [${code}]`).join('; ')}`;
    case 'scheduled':
      return `${one.id}: scheduled from ${one.grant.start ?? '-'} until ${one.grant.end}, approved by ${one.grant.approvers.join(', ')}`;
    case 'granting':
      return `${one.id}: ${one.grant.subject} is to be ${one.grant.role} (${one.grant.permissions.join(', ')} on ${one.grant.target}) until ${one.grant.end}, approved by ${one.grant.approvers.join(', ')}`;
    case 'granted':
      return `${one.id}: granted, read back at the target`;
    case 'failed':
      return `${one.id}: failed: ${one.error.message} [${one.error.code}]; nothing at the target`;
    case 'stopped':
      return `${one.id}: stopped by ${whoAndWhy(one.statement.text)}`;
    case 'ending':
      return `${one.id}: ends early: ${one.because}`;
    case 'revoked':
      return `${one.id}: revoked, gone from the target${Object.keys(one.kept_for).length === 0 ? '' : `; kept for others: ${Object.keys(one.kept_for).join(', ')}`}`;
    case 'revoke_failed':
      return `${one.id}: could not be revoked (attempt ${one.attempt}): ${one.error.message} [${one.error.code}]`;
    case 'heartbeat':
      return `sweep was here, ${one.live} live`;
  }
}
