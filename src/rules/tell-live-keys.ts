/**
 * What a change of keys does not do: access that was given on a key that is now taken out of policy goes on to its end,
 * for the target knows nothing of policy. An admin who takes a key out because it was stolen has to hear that.
 */
import { expected } from '../model/error.ts';
import { mayBeLive, type OpenIndex, type OpenRecord } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { identityOf } from './exact-grant.ts';
import { compromisedBelow } from './grant-keys.ts';

/** A line for each grant that is live on a key which `next` no longer lists for its subject, with the command that ends it. */
export function tellLiveKeys({ records }: Pick<OpenIndex, 'records'>, next: Policy): readonly string[] {
  return [...records.values()].filter(mayBeLive).flatMap((record) => tellOne(record, next));
}

function tellOne({ id, state, grant }: OpenRecord, next: Policy): readonly string[] {
  if (grant === null || grant.login_key === null || state === 'ending') return [];
  const subject = identityOf(next, grant.subject);
  // Those end by themselves: the next sweep sees to that.
  if (subject === undefined || compromisedBelow(next, grant) !== undefined) return [];
  const used = fingerprintOf(grant.login_key);
  const listed = [...subject.keys.map(({ key }) => key), subject.login_key].flatMap((key) =>
    key === undefined ? [] : (fingerprintOf(key) ?? []),
  );
  if (used === undefined || listed.includes(used)) return [];
  return [
    `! the key ${used} of ${grant.subject} goes, and still gets in on ${grant.target} until ${grant.end} (${id}); to end that now: pam revoke ${id} --reason "its key was replaced"`,
  ];
}

/** `undefined`: an executor recorded a line that is no key. */
function fingerprintOf(line: string): string | undefined {
  try {
    return parsePublicKey(line).fingerprint;
  } catch (error) {
    expected(error);
    return undefined;
  }
}
