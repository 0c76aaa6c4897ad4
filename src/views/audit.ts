import type { Audited } from '../flows/audit/audit.ts';
import type { Log, LogLine } from '../flows/audit/log.ts';
import { kindOf } from '../rules/events/registry.ts';
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

/** A `policy` event's own number is `version` there. */
function sentence(one: LogLine): string {
  const event = one.version === undefined ? one : { ...one, seq: one.version };
  return kindOf(event).sentence(event);
}
