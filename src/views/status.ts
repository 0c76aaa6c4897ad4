import type { GrantLine, ProposalLine, Status } from '../flows/people/status.ts';
import { type Instant, secondsBetween } from '../model/instant.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';
import { type Column, type Screen, table } from './table.ts';
import { ago, span, untilWhen } from './when.ts';

const GRANTS: readonly Column[] = [
  { head: 'ID' },
  { head: 'WHO' },
  { head: 'STATE' },
  { head: 'END', cut: true },
  { head: 'TARGET', cut: true },
  { head: 'PERMISSIONS', cut: true },
];
const REQUESTS: readonly Column[] = [
  { head: 'ID' },
  { head: 'WHO' },
  { head: 'NEXT' },
  { head: 'FOR', cut: true },
  { head: 'ROLE', cut: true },
  { head: 'AGE', cut: true },
  { head: 'NEEDS', cut: true },
  { head: 'WHY', cut: true },
];

/** @param me whose requests stand first where they may sign them; `null`: not known */
export function statusText(status: Status, style: Style, screen: Screen, me: string | null): string {
  const { grants, proposals, now } = status;
  const parts: string[] = [];
  const waiting = proposals.filter(({ who_now: who }) => me !== null && who.includes(me));
  const others = proposals.filter((one) => !waiting.includes(one));
  if (screen.terminal && waiting.length > 0)
    parts.push(`${style.bold(`Waiting for you (${waiting.length})`)}\n${requestTable(waiting, now, screen)}`);
  if (grants.length > 0) parts.push(`${style.bold('Grants')}\n${grantTable(status, screen)}`);
  // A pipe gets one list, in one order.
  const rest = screen.terminal ? others : proposals;
  if (rest.length > 0) parts.push(`${style.bold('Requests')}\n${requestTable(rest, now, screen)}`);
  if (grants.length === 0 && proposals.length === 0) {
    const unread = status.warnings.some(({ code }) => code.startsWith('E_FORGE_'));
    parts.push(
      unread ? 'Nothing is live; what waits is not known.\n' : 'Nothing is live and nothing waits.\n',
    );
  }
  const swept = status.lastSweep === null ? 'none on record' : ago(status.lastSweep, now);
  // What every command that reads the ledger notes on stderr is not said twice.
  const warnings = status.warnings
    .filter(({ code }) => code !== 'E_POL_UNSIGNED')
    .map(({ code, message }) => `${style.warn('warning:')} ${line(message)} [${code}]\n`);
  parts.push([`Last sweep: ${swept}\n`, ...warnings].join(''));
  return parts.join('\n');
}

/** Why something ends is a line of its own: it is the one thing that must not be cut. */
function grantTable({ grants, now }: Status, screen: Screen): string {
  const end = (one: GrantLine): string =>
    one.ended === null ? untilWhen(one.until, now) : `${one.state} ${ago(one.ended, now)}`;
  if (!screen.terminal)
    return table(
      grants.map((one) => [
        one.id,
        one.subject,
        one.target,
        one.permissions.join(', '),
        one.why === null ? one.state : `${one.state}: ${one.why}; ${NEXT_SWEEP}`,
        end(one),
      ]),
      screen,
    );
  const rows = grants.map((one) => [
    one.id,
    one.subject,
    one.state,
    end(one),
    one.target,
    one.permissions.join(', '),
  ]);
  const why = grants.flatMap((one) =>
    one.why === null ? [] : [`  ending ${one.id}: ${line(one.why)}; ${NEXT_SWEEP}\n`],
  );
  return `${table(rows, screen, GRANTS)}${why.join('')}`;
}

const NEXT_SWEEP = 'the next sweep takes it away';

function requestTable(proposals: readonly ProposalLine[], now: Instant, screen: Screen): string {
  if (!screen.terminal)
    return table(
      proposals.map((one) => [
        one.id,
        one.requester,
        one.role,
        `${one.have}/${one.need} approvals`,
        one.who.join(', '),
        one.next,
      ]),
      screen,
    );
  return table(
    proposals.map((one) => [
      one.id,
      one.subject === one.requester ? one.requester : `${one.subject} (${one.requester})`,
      verbOf(one),
      one.duration,
      one.role,
      one.since === null ? 'new' : span(secondsBetween(one.since, now)),
      one.have >= one.need ? '' : `${one.have}/${one.need} ${one.who.join(', ')}`.trimEnd(),
      one.why,
    ]),
    screen,
    REQUESTS,
  );
}

/** The id stands in the line already. */
function verbOf({ next }: ProposalLine): string {
  const verb = /^(?:pam )?(approve|merge|apply|status)\b/u.exec(next)?.[1];
  return verb ?? next.split(':')[0] ?? next;
}

/** One grant in full: how to use it and how long. */
export function accessText(status: Status, style: Style): string {
  return status.grants
    .flatMap(({ access }) =>
      access === null
        ? []
        : ['', style.bold('To use it'), ...access.how.map((command) => line(`  ${command}`))],
    )
    .map((text) => `${text}\n`)
    .join('');
}
