/**
 * Notices of one run. Entries are told by the run that wrote them, after all that it did at targets; what no entry says, once, by the
 * memory of this executor. Receivers are told side by side, and nothing that they do changes the run: what was not received is one
 * `W_NOTICE` a receiver.
 *
 * A run that dies between its push and this tells nothing of that entry: no other run takes it up, so none is told twice.
 */
import { readRequest } from '../../documents/request-file.ts';
import type { Reason } from '../../model/decision.ts';
import { expected, Interrupted, PamError } from '../../model/error.ts';
import { requestPath, type RequestId } from '../../model/names.ts';
import type { Delivery, Notice, NoticeSession } from '../../model/notice.ts';
import type { NotifyConfig } from '../../model/policy.ts';
import { noticesOfEntry, type WrittenEntry } from '../../rules/notices/entry-notices.ts';
import { MOST_NOTICES, noticesFor } from '../../rules/notices/for-receiver.ts';
import { isSendable } from '../../rules/notices/judge-notices.ts';
import { blankNotice } from '../../rules/notices/notice-about.ts';
import type { OpenNotice } from '../../rules/notices/open-notices.ts';
import type { Situation } from '../../rules/situation.ts';
import type { ChainState } from '../../trust/chain-state.ts';
import type { Desk, Executor } from '../desk.ts';
import { held } from '../ledger/net.ts';
import { printTold, readTold, toldAfter } from './told.ts';

/** What a run leaves behind to be told. */
export interface Leaves {
  readonly state: ChainState;
  /** `null`: it read no requests. */
  readonly situation: Situation | null;
  /** Made where an error is only a notice that is missing. */
  readonly open: () => readonly OpenNotice[];
}

export interface Outbox {
  /** The desk of the run, which hears of each entry that is written. */
  readonly desk: Desk;
  /**
   * What is to be told is decided and remembered when this answers, so a second run never tells it again; the answer sends it.
   * Neither throws, but for an interrupt.
   */
  readonly ready: (leaves: Leaves) => Promise<() => Promise<readonly Reason[]>>;
  /** What the last entry of this run left behind; `undefined`: it wrote none, or all that it wrote is told. */
  readonly newest: () => ChainState | undefined;
}

export function openOutbox(desk: Desk, executor: Executor): Outbox {
  const written: WrittenEntry[] = [];
  return {
    desk: { ...desk, wrote: (entry) => void written.push(entry) },
    ready: async (leaves) => {
      const { state, situation } = leaves;
      const { notify } = state.policy.config;
      const entries = written.splice(0);
      const troubles: Reason[] = [];
      // `--offline` means it: nothing is sent.
      if (notify.length === 0 || desk.offline || desk.interrupted())
        return async () => await Promise.resolve(troubles);
      const tell = ({ code, message }: Pick<Reason, 'code' | 'message'>): void =>
        void troubles.push({ code, ok: false, message });
      const all = await held(tell, UNMADE, [], async () => {
        const ofEntries = entries.flatMap((one) =>
          noticesOfEntry(one, { situation, readRequest: requestOf }),
        );
        return [...ofEntries, ...(await notToldYet(desk, executor, leaves, tell))];
      });
      return async () => {
        await held(tell, UNMADE, undefined, async () => {
          const answers = await Promise.all(
            notify.map(async (config) => await sendTo(desk, state, config, all)),
          );
          for (const [at, config] of notify.entries()) {
            const what = answers[at] ?? null;
            if (what !== null) tell(trouble(`${nameOf(config, at)}: ${what}`));
          }
        });
        return troubles;
      };
    },
    newest: () => written.at(-1)?.after,
  };
}

const UNMADE = 'notices could not be made';

const trouble = (message: string): Pick<Reason, 'code' | 'message'> => ({ code: 'W_NOTICE', message });

/** As the admins find it in pam.yaml; its address stands nowhere. */
export const nameOf = ({ kind }: NotifyConfig, at: number): string => `notice ${at + 1} (${kind})`;

const requestOf = (bytes: string, id: string): ReturnType<typeof readRequest> =>
  // It is the file of that id: a record holds it.
  readRequest(Buffer.from(bytes), requestPath(id as RequestId));

/** What no entry says, and this executor has not told. */
async function notToldYet(
  desk: Desk,
  { name }: Executor,
  { state, open }: Leaves,
  tell: (trouble: Pick<Reason, 'code' | 'message'>) => void,
): Promise<readonly Notice[]> {
  const asked = new Set(state.policy.config.notify.flatMap(({ on }) => on));
  const found = open().filter(({ notice }) => asked.has(notice.event));
  if (!OPEN_EVENTS.some((event) => asked.has(event))) return [];
  try {
    const before = readTold(await desk.memory.keptNotices(name, state.root));
    const after = toldAfter(before ?? new Set(), found, state.index);
    // Written at the first time too, when nothing is open: from then on this machine knows what it told.
    if (before === undefined || [...after].some((key) => !before.has(key)) || after.size < before.size)
      await desk.memory.keepNotices(name, state.root, printTold(after));
    // Without a memory nothing is known to be new; but access that should be gone is told all the same: a pusher who may delete a cache must not silence that.
    if (before === undefined)
      return found.flatMap(({ notice }) => (notice.event === 'overdue' ? [notice] : []));
    return found.flatMap(({ key, notice }) => (before.has(key) ? [] : [notice]));
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Interrupted) throw error;
    // Without a memory each run would tell it again.
    if (found.length > 0)
      tell(
        trouble(
          `${found.length} notices are not sent, since this machine cannot remember that: ${error.message}`,
        ),
      );
    return [];
  }
}

const OPEN_EVENTS: readonly Notice['event'][] = ['approved', 'fallback', 'overdue'];

/** @returns what the person who runs this executor should know; `null`: all was received, or there was nothing to send */
async function sendTo(
  desk: Desk,
  state: ChainState,
  config: NotifyConfig,
  all: readonly Notice[],
): Promise<string | null> {
  const notices = noticesFor(config, all);
  const last = notices.at(-1);
  if (last === undefined) return null;
  try {
    const session = await sessionOf(desk, state, config);
    const answers = await sendAll(session, notices);
    const lost = answers.flatMap((answer) => (answer.state === 'lost' ? [answer.why] : []));
    const told = [
      ...(lost[0] === undefined ? [] : [`${lost.length} of ${notices.length} not received: ${lost[0]}`]),
      ...(last.left_out === 0 ? [] : [`${last.left_out} left out: a run sends ${MOST_NOTICES}`]),
    ];
    return told.length === 0 ? null : told.join('; ');
  } catch (error) {
    return `${notices.length + last.left_out} not sent: ${expected(error).message}`;
  }
}

/**
 * One first: a receiver that does not answer is not tried with all of them, each of which would look up its name, in the same few
 * places as the names of targets.
 */
async function sendAll(session: NoticeSession, notices: readonly Notice[]): Promise<readonly Delivery[]> {
  const [first, ...rest] = notices;
  if (first === undefined) return [];
  const answer = await session.send(first);
  if (answer.state === 'lost') return notices.map(() => answer);
  return [answer, ...(await Promise.all(rest.map(async (notice) => await session.send(notice))))];
}

async function sessionOf(desk: Desk, state: ChainState, config: NotifyConfig): Promise<NoticeSession> {
  const kind = desk.notices.get(config.kind);
  if (kind === undefined) throw new PamError('W_NOTICE', `this pam sends no notices to ${config.kind}`);
  if (!isSendable(state.policy, config))
    throw new PamError('W_NOTICE', 'it names a variable that is not for notices; `pam check` says which');
  return await kind.open({ config, env: desk.env });
}

export interface TestSent {
  readonly name: string;
  /** `null`: it was received. */
  readonly failure: string | null;
}

/** One test to each receiver of the policy in force. */
export async function sendTests(desk: Desk, state: ChainState): Promise<readonly TestSent[]> {
  const test = blankNotice(state, desk.clock(), 'test');
  return await Promise.all(
    state.policy.config.notify.map(async (config, at): Promise<TestSent> => {
      const name = nameOf(config, at);
      try {
        const answer = await (await sessionOf(desk, state, config)).send(test);
        return { name, failure: answer.state === 'sent' ? null : answer.why };
      } catch (error) {
        return { name, failure: expected(error).message };
      }
    }),
  );
}

/** Can each be told from here, as far as that shows without telling? */
export async function examineReceivers(desk: Desk, state: ChainState): Promise<readonly TestSent[]> {
  return await Promise.all(
    state.policy.config.notify.map(async (config, at): Promise<TestSent> => {
      const name = nameOf(config, at);
      try {
        await sessionOf(desk, state, config);
        return { name, failure: null };
      } catch (error) {
        return { name, failure: expected(error).message };
      }
    }),
  );
}
