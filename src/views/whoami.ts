/** Who a person is to pam: one fact a line, and last what is missing, with what to do about it. */
import { line } from './escape.ts';
import type { Style } from './style.ts';

export interface Missing {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface WhoAmI {
  readonly person: string | null;
  /** `null`: not known to the policy in force, or that is not known here. */
  readonly kind: 'person' | 'service' | null;
  /** @property source `--key`, `PAM_KEY`, `git config pam.key`, `git config user.signingkey`, `ssh-agent` */
  readonly key: { readonly fingerprint: string | null; readonly source: string } | null;
  readonly root: string | null;
  readonly executor: {
    readonly name: string;
    readonly fingerprint: string | null;
    readonly may: readonly string[];
  } | null;
  readonly may_request: readonly string[];
  readonly may_approve: readonly string[];
  readonly missing: readonly Missing[];
}

export function whoamiText(who: WhoAmI, style: Style): string {
  const { person, kind, key, root, executor, missing } = who;
  const rows: [string, string][] = [
    ['person', person === null ? '-' : `${person}${kind === 'service' ? ' (a service)' : ''}`],
    ['key', key === null ? '-' : `${key.fingerprint ?? 'behind a passphrase'}   (${key.source})`],
    ['trust root', root ?? '-'],
    ...(executor === null ? [] : [['executor', executorText(executor)] satisfies [string, string]]),
    ['may ask for', listed(who.may_request)],
    ['may approve', listed(who.may_approve)],
  ];
  const facts = rows.map(([name, value]) => `${name.padEnd(12)} ${line(value)}\n`).join('');
  const faults = missing.map(
    ({ code, message, hint }) => `${style.bad('missing')} ${line(message)} [${code}]\n  do: ${line(hint)}\n`,
  );
  return `${facts}${faults.join('')}`;
}

const listed = (names: readonly string[]): string => (names.length === 0 ? '-' : names.join(', '));

const executorText = ({ name, fingerprint, may }: NonNullable<WhoAmI['executor']>): string =>
  `${name}, ${fingerprint ?? 'no key'}, may ${may.length === 0 ? 'do nothing' : may.join(' and ')}`;
