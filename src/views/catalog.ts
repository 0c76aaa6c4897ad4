import type { Role } from '../model/policy.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';
import { type Screen, table } from './table.ts';

type Listed = Role & { readonly id: string };

export function catalogText(roles: readonly Listed[], full: boolean, style: Style, screen: Screen): string {
  if (roles.length === 0)
    return 'The catalogue is empty: add roles to policy/roles.yaml and run `pam ratify`.\n';
  if (!full)
    return table(
      roles.map((one) => [one.id, one.risk, one.target, `at most ${one.max_duration}`, one.description]),
      screen,
      [
        { head: 'ROLE' },
        { head: 'RISK', cut: true },
        { head: 'TARGET', cut: true },
        { head: 'HOW LONG', cut: true },
        { head: 'WHAT FOR', cut: true },
      ],
    );
  return roles.map((one) => roleText(one, style)).join('\n');
}

function roleText(role: Listed, style: Style): string {
  const rows: [string, string][] = [
    ['target', role.target],
    ...role.permissions.map((one): [string, string] => ['gives', one]),
    ...Object.entries(role.scope).map(([key, { enum: values }]): [string, string] => [
      `--scope ${key}=`,
      values.join(' | '),
    ]),
    ['at most', role.max_duration],
    ['asks for', role.require.length === 0 ? '-' : role.require.map(asked).join(', ')],
    ['for', role.requesters.join(', ')],
    ...role.approval.map((rule): [string, string] => {
      const later = rule.fallback
        .map((step) => `, after ${step.after} also ${step.approvers.join(', ')}`)
        .join('');
      const presence = rule.presence === 'none' ? '' : `, with a hardware key (${rule.presence})`;
      return ['approved by', `${rule.threshold} of ${rule.approvers.join(', ')}${later}${presence}`];
    }),
    ['decided within', role.decide_within],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(15)} ${line(value)}`);
  return `${style.bold(role.id)} (${role.risk}): ${line(role.description)}\n${lines.join('\n')}\n`;
}

/** `justification:20` and `compensating_controls` are the policy's words, not a requester's. */
function asked(word: string): string {
  const least = /^justification:(\d+)$/u.exec(word)?.[1];
  if (least !== undefined) return `a justification of ${least} characters`;
  return word === 'compensating_controls' ? 'compensating controls' : word;
}
