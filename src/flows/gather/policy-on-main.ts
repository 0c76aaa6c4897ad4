/** A policy on its way: what main holds, who signed it so far, and what it may settle. */
import { type NewPolicyRead, readNewPolicy } from '../../documents/policy-files.ts';
import type { PamError } from '../../model/error.ts';
import type { Found, Posting, Topic } from '../../model/forge.ts';
import type { Sha256 } from '../../model/names.ts';
import type { Files, Policy } from '../../model/policy.ts';
import type { Signed } from '../../model/statement.ts';
import { judgeKept, newlySettled, settlesItsOwn } from '../../rules/judge-settled.ts';
import { treeDigest } from '../../trust/digest.ts';
import { policyTopicName } from '../../trust/statements/topics.ts';
import { type Desk, mainRef } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { policyFilesOf } from '../ledger/walk/ledger-files.ts';
import { standingBelow } from '../ledger/walk/witness.ts';

/** The policy that main holds, when it is not the one in force; throws when main's cannot be read. */
export async function policyOnMain(desk: Desk, view: LedgerView): Promise<NewPolicy | undefined> {
  const main = await desk.repository.resolve(mainRef(desk, view.state.policy.config));
  if (main === undefined) return undefined;
  return policyOf(desk, view, await policyFilesOf(desk.repository, main));
}

/** These files as the next version; `undefined` when they are the policy in force. */
export function policyOf(desk: Desk, view: LedgerView, files: Files): NewPolicy | undefined {
  const digest = treeDigest(files);
  const inForce = view.state.index.beats?.policy.seq ?? 0;
  if (inForce > 0 && digest === view.state.policy.digest) return undefined;
  return {
    files,
    digest,
    seq: inForce + 1,
    read: () => readNewPolicy(files, digest, desk.providers, desk.clock()),
  };
}

export interface NewPolicy {
  readonly files: Files;
  readonly digest: Sha256;
  readonly seq: number;
  /** Parses and judges it, as `readNewPolicy`. Executors count signatures over the digest first: main may hold anything. */
  readonly read: () => NewPolicyRead;
}

export async function statementsOnPolicy(
  desk: Desk,
  view: LedgerView,
  topic: Topic,
): Promise<readonly Found[]> {
  const forge = await desk.forge(view.state.policy.config);
  const doubts: PamError[] = [];
  const all = await forge.statements([topic], (_name, error) => void doubts.push(error));
  const found = all.get(topic.name) ?? [];
  const [doubt] = doubts;
  // Nothing that is unread makes a signed statement count less: a flood must not keep a policy from being signed.
  if (doubt !== undefined && found.length === 0) throw doubt;
  for (const { message } of doubts) desk.note(message);
  return found;
}

/** @param place the pull request that proposes it, where there is one and it is known */
export function policyPosting(seq: number, place: string | null, signed: Signed, author: string): Posting {
  const sentence = `${author} signs policy version ${seq}`;
  return { topic: policyTopic(seq, place), signed, author, type: 'policy', sentence, head: null };
}

export const policyTopic = (seq: number, place: string | null): Topic => ({
  name: policyTopicName(seq),
  place,
});

/**
 * Throws `E_POL_SETTLED` for a policy that names an entry of the chain which this machine follows, or drops what the
 * policy in force settles: readers would take its entry for junk, so nothing is signed or written for it.
 */
export async function judgeSettling(desk: Desk, view: LedgerView, next: Policy): Promise<void> {
  const { policy } = view.state;
  judgeKept(policy, next);
  const [own] = await standingBelow(desk, view, newlySettled(policy, next));
  if (own !== undefined) throw settlesItsOwn(own);
}
