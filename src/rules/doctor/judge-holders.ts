/** Who could sign today, by the policy in force: keys that count, keys that soon do not. */
import { type Check, tellOf } from '../../model/check.ts';
import { type Instant, plus } from '../../model/instant.ts';
import type { Policy, PolicyKey, Presence } from '../../model/policy.ts';
import { identityOf } from '../exact-grant.ts';
import { revocationOf } from '../../trust/keyring.ts';
import { parsePublicKey } from '../../trust/public-key.ts';
import { SOON_SECONDS } from './judge-key-file.ts';

const { ok, warning, problem } = tellOf('policy');

/** Keys of one identity that count at `now`, for a rule that asks for this presence. */
export function usableKeys(
  policy: Policy,
  id: string,
  now: Instant,
  presence: Presence = 'none',
): readonly PolicyKey[] {
  return (identityOf(policy, id)?.keys ?? []).filter(({ key, from, until, attested }) => {
    const { fingerprint, hardware } = parsePublicKey(key);
    const revoked = revocationOf(policy, fingerprint);
    if (revoked !== undefined && revoked.at <= now) return false;
    if ((from !== undefined && now < from) || (until !== undefined && now >= until)) return false;
    return presence === 'none' || (hardware && attested !== undefined);
  });
}

/** Everybody whose last key has ended or soon does. An executor without a key is an outage, not a nuisance. */
export function judgeHolders(policy: Policy, now: Instant): Check[] {
  const soon = plus(now, SOON_SECONDS);
  const checks = [...Object.keys(policy.people), ...Object.keys(policy.services)].flatMap((id): Check[] => {
    const executes = Object.hasOwn(policy.services, id) && policy.services[id]?.executes !== undefined;
    const usable = usableKeys(policy, id, now);
    const hint = `add a new key of ${id} to policy/people.yaml, and ratify it`;
    if (usable.length === 0) {
      const tell = executes ? problem : warning;
      return [tell('W_KEY_NONE', `${id} has no key that counts now`, hint)];
    }
    const last = usable.map(({ until }) => until ?? NEVER).reduce((a, b) => (a < b ? b : a));
    return last < soon ? [warning('W_KEY_EXPIRES', `the last key of ${id} expires at ${last}`, hint)] : [];
  });
  return checks.length > 0
    ? checks
    : [ok('W_KEY_EXPIRES', 'everybody has a key that counts for the next 30 days')];
}

const NEVER = 'never';

/** Can the admins still change the policy, and could they with one of them gone? */
export function judgeAdmins(policy: Policy, now: Instant): Check {
  const { people, threshold } = policy.admins;
  const able = [...new Set(people)].filter((one) => usableKeys(policy, one, now).length > 0).length;
  if (able < threshold) {
    const message = `a policy needs ${threshold} admins, and only ${able} have a key that counts`;
    return problem(
      'E_POL_ADMINS',
      message,
      'no policy can be signed: begin a new access repository with pam init',
    );
  }
  if (able === threshold) {
    const message = `a policy needs ${threshold} of ${able} admins: with one key lost, none can be signed any more`;
    return warning('E_POL_ADMINS', message, 'add an admin to policy/people.yaml, and ratify it');
  }
  return ok('E_POL_ADMINS', `a policy needs ${threshold} of ${able} admins`);
}

/** Where something may be granted, an executor other than the granting one must be able to end it. */
export function judgeExecutors(policy: Policy, now: Instant): Check[] {
  const targets = [...new Set(Object.values(policy.roles).map(({ target }) => target))];
  const checks = targets.flatMap((target): Check[] => {
    const may = (right: 'grant' | 'revoke'): readonly string[] =>
      Object.entries(policy.services)
        .filter(([, { executes }]) => executes?.may.includes(right) === true)
        .filter(([, { executes }]) => executes?.targets.some((one) => one === '*' || one === target) === true)
        .map(([id]) => id)
        .filter((id) => usableKeys(policy, id, now).length > 0);
    const grant = may('grant');
    const revoke = may('revoke');
    const hint = 'give a service `executes` in policy/people.yaml, with a key that counts';
    if (revoke.length === 0)
      return [problem('E_POL_EXECUTOR', `no executor may end grants on ${target}`, hint)];
    if (grant.length === 0) return [problem('E_POL_EXECUTOR', `no executor may grant on ${target}`, hint)];
    if (grant.some((one) => revoke.some((other) => other !== one))) return [];
    return [
      warning(
        'W_POL_SWEEPER',
        `only ${grant.join(', ')} may end what it grants on ${target}`,
        'add a service of its own for sweeps: executes: { targets: ["*"], may: [revoke] }',
      ),
    ];
  });
  const good = 'on every target one service may grant and another may end it';
  return checks.length > 0 ? checks : [ok('E_POL_EXECUTOR', good)];
}
