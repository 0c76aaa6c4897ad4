/** The executor's own key, before it signs anything: one that policy does not list is a mistake on this machine, no doubt about the ledger. */
import { PamError } from '../model/error.ts';
import type { Fingerprint } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { orDidYouMean } from './did-you-mean.ts';

/**
 * @param policies the one in force, and the one that an entry brings: either may give the right
 * @throws PamError `E_EXECUTOR_KEY`. Whether a listed key is valid now is judged with the entry.
 */
export function needExecutorKey(policies: readonly Policy[], name: string, key: Fingerprint): void {
  const services = policies.flatMap((policy) =>
    Object.hasOwn(policy.services, name) ? (policy.services[name] ?? []) : [],
  );
  if (services.length === 0) {
    const names = policies.flatMap((policy) => Object.keys(policy.services));
    throw new PamError('E_EXECUTOR_KEY', `policy knows no service ${name}${orDidYouMean(name, names)}`, {
      hint: 'name the executor with --executor or PAM_EXECUTOR',
    });
  }
  const listed = [
    ...new Set(services.flatMap(({ keys }) => keys.map((one) => parsePublicKey(one.key).fingerprint))),
  ];
  if (listed.includes(key)) return;
  throw new PamError('E_EXECUTOR_KEY', `the key ${key} is not ${name}'s`, {
    hint: `policy lists ${listed.join(' and ')} for ${name}; give that one with --executor-key or PAM_EXECUTOR_KEY`,
  });
}
