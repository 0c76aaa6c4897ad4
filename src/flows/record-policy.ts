/**
 * Puts a new policy in force: main holds it, enough admins signed it, so any executor may write the `policy`
 * event. The admins' statements are its authority, not the executor's key.
 */
import { type NewPolicyRead, readNewPolicy } from '../documents/policy-files.ts';
import { gaveNoAnswer, PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import type { Files, Policy } from '../model/policy.ts';
import type { Found, Posting, Topic } from '../model/forge.ts';
import type { Signed } from '../model/statement.ts';
import { policyStatements } from '../rules/judge-postings.ts';
import { adminsAgree, countedOnly, judgePolicyChange } from '../rules/judge-policy-change.ts';
import { judgeKept, newlySettled, settlesItsOwn } from '../rules/judge-settled.ts';
import { treeDigest } from '../trust/digest.ts';
import { appendEntry, orderedClock } from './append-entry.ts';
import { type Desk, type Executor, mainRef } from './desk.ts';
import type { LedgerView } from './read-ledger.ts';
import { policyFilesOf } from './walk-ledger.ts';
import { standingBelow } from './witness.ts';

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

export const policyTopic = (seq: number, place: string | null): Topic => ({ name: `policy-${seq}`, place });

/** The view afterwards, and the version that came into force, if one did. Never throws for a policy in doubt. */
export async function recordPolicy(
  desk: Desk,
  executor: Executor,
  first: LedgerView,
): Promise<{ readonly view: LedgerView; readonly recorded: number | null }> {
  try {
    let recorded: number | null = null;
    const { view } = await appendEntry(desk, executor, first, async (now, clock) => {
      recorded = null;
      const at = orderedClock(now, clock);
      const found = await policyOnMain(desk, now);
      if (found === undefined) return null;
      const posted = await statementsOnPolicy(desk, now, policyTopic(found.seq, null));
      const statements = policyStatements([now.state.policy], posted);
      const previous = found.seq === 1 ? null : now.state.policy;
      const { root, index } = now.state;
      const { seq, digest, files } = found;
      const previousDigest = previous?.digest ?? null;
      // Under version 1 the policy in force is the genesis' own, and main must hold just that.
      if (!adminsAgree(now.state.policy, { root, seq, digest, previousDigest, statements, recordedAt: at }))
        return null;
      const { policy, counted } = await unlessRefused(desk, seq, async () => {
        const { policy: next } = found.read();
        const change = { root, seq, next, previous, recordedAt: at };
        const all = policyStatements([now.state.policy, next], posted);
        const kept = countedOnly({ ...change, statements: all });
        judgePolicyChange({ ...change, statements: kept }, index);
        await judgeSettling(desk, now, next);
        return { policy: next, counted: kept };
      });
      recorded = seq;
      return {
        events: [{ type: 'policy', id: '-', seq, digest, statements: counted }],
        brings: { policy, files },
        at,
      };
    });
    return { view, recorded };
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    // Not signed yet, or not readable: `haltsOf` says so where grants are concerned.
    return { view: first, recorded: null };
  }
}

/** Enough admins in force signed it, so that it is refused all the same must be said in the run that refuses it. */
async function unlessRefused<T>(desk: Desk, seq: number, judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    // The new admins have to sign, too: until then it waits like any other.
    if (error instanceof PamError && !gaveNoAnswer(error) && error.code !== 'E_POL_UNSIGNED') {
      const { code, message } = error;
      desk.note(`policy ${seq} is signed and does not come into force: ${message} [${code}]`);
    }
    throw error;
  }
}

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
