/** The decision record: all a human needs to decide at three in the morning, and nothing else. */
import type { Decision, Reason } from '../model/decision.ts';
import { type Instant, plus, secondsOf } from '../model/instant.ts';
import { mayBeLive, type OpenRecord } from '../model/open-record.ts';
import type { Request } from '../model/request.ts';
import type { Role } from '../model/policy.ts';
import { block, line } from './escape.ts';
import type { Style } from './style.ts';
import { ago, clockTime, untilWhen } from './when.ts';

export interface DecisionView {
  readonly id: string;
  readonly request: Request | null;
  readonly role: Role | undefined;
  readonly record: OpenRecord | null;
  readonly decision: Decision | null;
  readonly merged: boolean;
  /** Why there is no readable request. */
  readonly fault: Reason | null;
  readonly next: string | null;
  readonly now: Instant;
}

export function decisionText(view: DecisionView, style: Style): string {
  const { request, decision, record } = view;
  const lines: string[] = [];
  if (request === null) {
    lines.push(
      `${style.bold(view.id)}  ${view.fault === null ? 'no request file' : line(`${view.fault.message} [${view.fault.code}]`)}`,
    );
  } else {
    lines.push(`${style.bold(view.id)}  ${headline(view, style)}`, '', ...wish(view, request), '');
  }
  if (record?.grant != null) lines.push(...grantLines(record, decision, view.now), '');
  if (decision !== null && (record?.grant == null || record.state === 'scheduled')) {
    lines.push(...decision.reasons.map((one) => reasonLine(one, style)));
  }
  if (view.next !== null) lines.push('', `${style.bold('next:')} ${view.next}`);
  return `${lines.join('\n').trimEnd().replaceAll('\n\n\n', '\n\n')}\n`;
}

function headline({ decision, record, merged }: DecisionView, style: Style): string {
  if (record !== null && !['unseen', 'seen'].includes(record.state)) {
    if (record.state === 'granting') return style.bold('being granted');
    // What was stopped is nothing to work with, though no sweep was there yet.
    return style.bold(
      record.state === 'live' && stopOf(record, decision) !== undefined ? 'ending' : record.state,
    );
  }
  switch (decision?.verdict) {
    case 'approved':
      return `${style.good('approved')}${merged ? ', merged' : ', not merged yet'}`;
    case 'pending':
      return style.warn('pending');
    case 'refused':
      return style.bad('refused');
    case undefined:
      return '';
  }
}

/** What requesters wrote is set apart and quoted: it is data, whatever it says. */
function wish(view: DecisionView, request: Request): string[] {
  const { role, decision, record, now } = view;
  const grant = decision?.grant;
  const rows: [string, string][] = [
    [
      'who',
      request.subject === request.requester
        ? request.requester
        : `${request.subject}, asked by its owner ${request.requester}`,
    ],
    ['role', `${request.role}${role === undefined ? '' : ` (${role.risk}): ${role.description}`}`],
  ];
  if (grant != null) {
    rows.push(['target', grant.login === grant.subject ? grant.target : `${grant.target} as ${grant.login}`]);
    for (const permission of grant.permissions) rows.push(['gets', permission]);
    if (grant.loginKey !== null) rows.push(['for key', grant.loginKey]);
  }
  rows.push([
    'for',
    `${request.duration}${request.start === undefined ? ', from the moment it is granted' : ` from ${clockTime(request.start, now)}`}`,
  ]);
  if (request.start !== undefined)
    rows.push(['ends', clockTime(plus(request.start, secondsOf(request.duration)), now)]);
  rows.push(['why', JSON.stringify(request.justification)]);
  if (request.ticket !== undefined) rows.push(['ticket', request.ticket]);
  if (request.incident !== undefined) rows.push(['incident', request.incident]);
  for (const control of request.compensating_controls ?? []) rows.push(['control', JSON.stringify(control)]);
  if (record?.seen != null) rows.push(['seen', ago(record.seen.at, now)]);
  return rows.map(([name, value]) => `  ${name.padEnd(9)} ${line(value)}`);
}

function grantLines(record: OpenRecord, decision: Decision | null, now: Instant): string[] {
  const { grant, ending, final_at: gone } = record;
  if (grant === null) return [];
  const lines = [
    `  granted   ${grant.permissions.map(line).join(', ')} on ${grant.target} to ${line(grant.login)}`,
  ];
  const end = gone === null ? untilWhen(grant.end, now) : `${record.state} ${ago(gone, now)}`;
  lines.push(`  approved  ${grant.approvers.join(', ')}`, `  end       ${end}`);
  if (ending !== null) {
    const why =
      ending.cause === 'stopped' ? `stopped by ${ending.because}` : `${ending.cause}: ${ending.because}`;
    lines.push(`  because   ${line(why)}, ${ago(ending.at, now)}`);
    return lines;
  }
  const stop = stopOf(record, decision);
  if (stop !== undefined) lines.push(`  because   ${line(stop.message)}; the next sweep takes it away`);
  return lines;
}

/** A stop that no sweep has acted on yet. */
const stopOf = (record: OpenRecord, decision: Decision | null): Reason | undefined =>
  mayBeLive(record) ? decision?.reasons.find((one) => one.code === 'E_POL_DENIED' && !one.ok) : undefined;

function reasonLine(reason: Reason, style: Style): string {
  const sign = reason.ok ? style.good('ok ') : style.bad('no ');
  return `  ${sign} ${line(reason.message)}${reason.ok ? '' : ` [${reason.code}]`}`;
}

/** The text to be signed, exactly, set apart from our own words. */
export function statementText(text: string, style: Style): string {
  return `${style.bold('You are about to sign:')}\n\n${block(text.trimEnd(), '    ')}\n`;
}
