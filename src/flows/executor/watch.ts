/**
 * A run that stays, as a service: it sweeps, and applies too where it was asked to, as soon as there is a reason. A reason is
 * the next end or start, a branch of the remote that moved, the wake file that was touched, and a minute that is over: what
 * no branch shows (an incident elsewhere, a target that answers again) is seen then.
 */
import { handledLater, Interrupted } from '../../model/error.ts';
import { type Instant, plus, secondsBetween } from '../../model/instant.ts';
import { mayBeLive } from '../../model/open-record.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { Desk, Executor } from '../desk.ts';
import { aboutAll } from '../gather/about.ts';
import { headFromHere } from '../ledger/kept-head.ts';
import { held, type Tell } from '../ledger/net.ts';
import type { Courier } from '../notices/tell-people.ts';
import { apply } from './apply.ts';
import type { RunResult } from './run-result.ts';
import { sweep } from './sweep.ts';
import type { SweepScope } from './sweep-run.ts';

export interface Watch {
  readonly scope: SweepScope;
  /** Grants too, not only ends. */
  readonly applies: boolean;
  /** Seconds between two questions to the remote whether a branch moved; `null` = `LOOK_SECONDS`. */
  readonly every: number | null;
  /** Seconds after which it ends by itself; `null` = never. */
  readonly timeout: number | null;
  /** Something that differs once the next round is wanted now, by a hook for example. */
  readonly wakeMark: () => string | null;
  readonly each: (result: RunResult, kind: 'apply' | 'sweep') => void;
}

/** Where the remote's branches say what is new. */
export const LOOK_SECONDS = 10;
/** The longest time between two rounds; also how often a forge is asked whose requests are no branches. */
export const ROUND_SECONDS = 60;
const NAP_STEP_MS = 250;

/** Ends when it is interrupted or its time is up; what one round met ends no other. */
export async function watch(desk: Desk, executor: Executor, asked: Watch): Promise<void> {
  const until = asked.timeout === null ? null : plus(desk.clock(), asked.timeout);
  const isOver = (): boolean => desk.interrupted() || (until !== null && desk.clock() >= until);
  let seen: string | undefined;
  const { courier, rest } = aside(desk);
  try {
    while (!isOver()) {
      // Looked at before the round: what comes meanwhile is found by the next look.
      seen = (await look(desk, executor)) ?? seen;
      await round(desk, executor, asked, courier);
      seen = await sleepUntilReason(desk, executor, asked, seen, isOver);
    }
  } catch (error) {
    // It had begun nothing that is not recorded.
    if (!(error instanceof Interrupted)) throw error;
  }
  if (!desk.interrupted()) await rest();
}

/** Notices go out beside the next round: a dead receiver takes ten seconds, and an end may come meanwhile. */
function aside(desk: Desk): { readonly courier: Courier; readonly rest: () => Promise<void> } {
  const under = new Set<Promise<void>>();
  const courier: Courier = async (sending) => {
    const sent: Promise<void> = tellLater(desk, sending).finally(() => under.delete(sent));
    under.add(sent);
    handledLater(sent);
    return await Promise.resolve([]);
  };
  return { courier, rest: async () => void (await Promise.allSettled(under)) };
}

async function round(
  desk: Desk,
  executor: Executor,
  { scope, applies, each }: Watch,
  courier: Courier,
): Promise<void> {
  // What must end never waits for what may begin.
  await held(noteOn(desk), 'this sweep failed', undefined, async () => {
    each(await sweep(desk, executor, scope, courier), 'sweep');
  });
  desk.allRecorded();
  if (!applies || desk.interrupted()) return;
  await held(noteOn(desk), 'this apply failed', undefined, async () => {
    each(await apply(desk, executor, undefined, courier), 'apply');
  });
  desk.allRecorded();
}

/** @returns what was seen at the last look, so that a change that is no reason yet is not forgotten */
async function sleepUntilReason(
  desk: Desk,
  executor: Executor,
  { every, wakeMark }: Watch,
  before: string | undefined,
  isOver: () => boolean,
): Promise<string | undefined> {
  const mark = wakeMark();
  const now = desk.clock();
  const due = await nextDue(desk, executor, now);
  const lookMs = (every ?? (before === undefined ? ROUND_SECONDS : LOOK_SECONDS)) * 1000;
  // Without branches to look at, the round itself is the question.
  const roundMs = 1000 * (before === undefined ? Math.min(ROUND_SECONDS, lookMs / 1000) : ROUND_SECONDS);
  const latest = plus(now, roundMs / 1000);
  for (let slept = 0, nextLook = lookMs; slept < roundMs && !isOver(); slept += NAP_STEP_MS) {
    // A look that hung took its time, too.
    if (desk.clock() >= latest) return before;
    if (wakeMark() !== mark || (due !== null && desk.clock() >= due)) return before;
    if (slept >= nextLook && before !== undefined) {
      nextLook = slept + lookMs;
      const after = await look(desk, executor);
      if (after !== undefined && after !== before) return after;
    }
    await desk.pause(NAP_STEP_MS);
  }
  return before;
}

/** The next end or start that the ledger knows; what is past already waits for the next round. */
async function nextDue(desk: Desk, executor: Executor, now: Instant): Promise<Instant | null> {
  const state = await stateHere(desk, executor);
  if (state === undefined) return null;
  const records = [...state.index.records.values()];
  const ends = records.filter(mayBeLive).flatMap(({ grant }) => grant?.end ?? []);
  const starts = records
    .filter((one) => one.state === 'scheduled')
    .flatMap(({ grant }) => grant?.start ?? []);
  const ahead = [...ends, ...starts].filter((one) => secondsBetween(now, one) > 0);
  return ahead.toSorted()[0] ?? null;
}

/** By the head that the last round kept. */
const stateHere = async (desk: Desk, executor: Executor): Promise<ChainState | undefined> =>
  await held(noteOn(desk), 'the kept head could not be read', undefined, async () => {
    return (await headFromHere(desk, executor))?.state;
  });

/**
 * Which branches there are and what they hold, as one text; not the ledger, which this run itself moves. `undefined` where
 * requests are no branches, the remote does not answer, or there is none.
 */
async function look(desk: Desk, executor: Executor): Promise<string | undefined> {
  const { remote } = desk;
  if (remote === null || desk.offline) return undefined;
  return await held(
    () => undefined,
    '',
    undefined,
    async () => {
      const about = desk.branchesAbout(aboutAll(await stateHere(desk, executor), desk.clock()));
      if (about.length === 0) return undefined;
      const patterns = [desk.hint.main, ...about].map((name) => `refs/heads/${name}`);
      const there = await (await remote.open()).list(patterns, 'now');
      return [...there].map(([ref, oid]) => `${ref} ${oid}`).join('\n');
    },
  );
}

async function tellLater(desk: Desk, sending: Parameters<Courier>[0]): Promise<void> {
  for (const trouble of await sending()) noteOn(desk)(trouble);
}

const noteOn =
  (desk: Desk): Tell =>
  ({ code, message }) =>
    desk.note(`${message} [${code}]`);
