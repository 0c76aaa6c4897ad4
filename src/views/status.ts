import type { Status } from '../flows/people/status.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { ago, untilWhen } from './when.ts';

export function statusText(status: Status, style: Style, terminal: boolean): string {
  const { grants, proposals, now } = status;
  const parts: string[] = [];
  if (grants.length > 0) {
    parts.push(
      `${style.bold('Grants')}\n${table(
        grants.map((one) => [
          one.id,
          one.subject,
          one.target,
          one.permissions.join(', '),
          one.state,
          one.ended === null ? untilWhen(one.until, now) : `${one.state} ${ago(one.ended, now)}`,
        ]),
        terminal,
      )}`,
    );
  }
  if (proposals.length > 0) {
    parts.push(
      `${style.bold('Requests')}\n${table(
        proposals.map((one) => [
          one.id,
          one.requester,
          one.role,
          `${one.have}/${one.need} approvals`,
          one.who.join(', '),
          one.next,
        ]),
        terminal,
      )}`,
    );
  }
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
