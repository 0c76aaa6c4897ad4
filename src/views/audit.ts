import type { Audited } from '../flows/audit/audit.ts';
import type { Log, LogLine } from '../flows/audit/log.ts';
import { kindOf } from '../rules/events/registry.ts';
import { line } from './escape.ts';
import type { Instant } from '../model/instant.ts';
import type { Style } from './style.ts';
import { dateTime } from './when.ts';

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

/** How the lines of a log are shown. */
export interface LogScreen {
  readonly terminal: boolean;
  /** Of the reader, as in `Europe/Berlin`. */
  readonly zone: string | undefined;
  /** There is a remote, which may know more than this clone. */
  readonly fetched: boolean;
}

export function logText(log: Log, style: Style, { terminal, zone, fetched }: LogScreen): string {
  const when = (at: Instant): string => (terminal ? dateTime(at, zone) : at);
  const lines = log.events.map(
    (one) => `${when(one.at)}  ${String(one.seq).padStart(5)}  ${line(sentence(one))}`,
  );
  const newer = fetched ? 'this clone as it was fetched last (`pam status` fetches)' : 'this clone';
  lines.push(
    style.dim(`head ${log.head} (entry ${log.seq}, at ${when(log.at)})`),
    style.dim(`read from ${newer}; requests that no executor has seen yet are not listed`),
  );
  return `${lines.join('\n')}\n`;
}

/** A `policy` event's own number is `version` there. */
function sentence(one: LogLine): string {
  const event = one.version === undefined ? one : { ...one, seq: one.version };
  return kindOf(event).sentence(event);
}
