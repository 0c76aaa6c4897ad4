/**
 * Which of the keys at hand a person signs with: the one that was named, in a file of several the one that policy lists;
 * where none is named, the one that policy lists among those an agent offers. That it counts, and for what, is judged
 * where its signature is.
 */
import { EXIT, PamError } from '../model/error.ts';
import type { KeysAtHand, NamedKey } from '../model/keys-at-hand.ts';
import type { Policy } from '../model/policy.ts';
import { holdersOf } from '../trust/keyring.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { orDidYouMean } from './did-you-mean.ts';
import { identityOf } from './exact-grant.ts';
import { everybody } from './my-part.ts';

export interface Chosen {
  /** A path or the key itself, as `Signer.keyFile`. */
  readonly keyFile: string;
  /** `<type> <base64>`; `null` where it is behind a passphrase. */
  readonly line: string | null;
  /** Where it was found: `--key`, `git config pam.key`, `ssh-agent`. */
  readonly from: string;
}

/**
 * @param policies of a policy change the next one too: a key that is replaced still signs for the policy in force
 * @throws PamError `E_KEY_UNKNOWN` when an agent offers no key, or more than one, that policy lists for this person
 */
export function chooseKey(policies: readonly Policy[], id: string, hand: KeysAtHand): Chosen {
  const listed = linesOf(policies, id);
  if (hand.named !== null) return chooseNamed(hand.named, listed);
  const offered = hand.agent.state === 'holds' ? hand.agent.lines : [];
  const [line, ...others] = offered.filter((one) => listed.has(one));
  if (line !== undefined && others.length === 0) return { keyFile: line, line, from: 'ssh-agent' };
  const count = offered.length === 1 ? 'the key' : `none of the ${offered.length} keys`;
  const message =
    line === undefined
      ? `${count} that your agent offers is ${offered.length === 1 ? 'not ' : ''}one that policy lists for ${id}`
      : `your agent offers ${others.length + 1} keys that policy lists for ${id}`;
  throw new PamError('E_KEY_UNKNOWN', message, { exit: EXIT.refused, hint: nameOne(policies, id) });
}

/** Throws `E_KEY_UNKNOWN` or `E_KEY_PRINCIPAL` before anything is signed with a key that cannot count for this person. */
export function needListedKey(policies: readonly Policy[], id: string, { line, from }: Chosen): void {
  const known = policies.some((policy) => identityOf(policy, id) !== undefined);
  if (line === null || !known || linesOf(policies, id).has(line)) return;
  const { fingerprint } = parsePublicKey(line);
  const holder = policies.flatMap((policy) => holdersOf(policy).get(fingerprint) ?? []).at(0);
  const key = `the key ${fingerprint} (${from})`;
  throw new PamError(
    holder === undefined ? 'E_KEY_UNKNOWN' : 'E_KEY_PRINCIPAL',
    holder === undefined ? `${key} is not in policy` : `${key} is ${holder.id}'s, not ${id}'s`,
    { exit: EXIT.refused, hint: nameOne(policies, id) },
  );
}

/** What policy lists for a person, and how to name it. */
export function nameOne(policies: readonly Policy[], id: string): string {
  const listed = [...linesOf(policies, id)].map((line) => parsePublicKey(line).fingerprint);
  if (listed.length > 0) return `policy lists ${listed.join(' and ')} for ${id}; name it with --key`;
  return `policy lists no key of ${id}${orDidYouMean(id, policies.flatMap(everybody))}`;
}

function chooseNamed({ text, from, lines }: NamedKey, listed: ReadonlySet<string>): Chosen {
  if (lines === null) return { keyFile: text, line: null, from };
  const line = lines.find((one) => listed.has(one)) ?? lines[0] ?? null;
  return { keyFile: lines.length > 1 && line !== null ? line : text, line, from };
}

const linesOf = (policies: readonly Policy[], id: string): ReadonlySet<string> =>
  new Set(policies.flatMap((policy) => identityOf(policy, id)?.keys.map(({ key }) => key) ?? []));
