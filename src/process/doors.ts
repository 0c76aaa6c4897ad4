/**
 * The doors through which something leaves this process for good: signing, pushing, moving a branch of the clone, changing
 * a target, writing to a forge. After an interrupt none of them opens unless something was begun already (DESIGN rule 11);
 * what goes through one is finished. Laid around the adapters by `context.ts`, so no flow can forget to ask.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted, mayStillArrive, PamError } from '../model/error.ts';
import type { PushResult, Remote, Repository } from '../model/git.ts';
import type { Provider, TargetSession } from '../model/target.ts';
import { letCutOff, letFinish, orCutOff } from './interrupt.ts';
import { type Run, thisRun, type Unsettled } from './this-run.ts';

export interface Doors {
  readonly repository: (inner: Repository) => Repository;
  readonly remote: (inner: Remote) => Remote;
  readonly providers: (inner: ReadonlyMap<string, Provider>) => ReadonlyMap<string, Provider>;
  /** Around a function that signs. */
  readonly signing: <A extends readonly unknown[]>(
    sign: (...args: A) => Promise<string>,
  ) => (...args: A) => Promise<string>;
  readonly pause: (ms: number) => Promise<void>;
  /** Something that is written elsewhere. `happened` says whether it came about; an error leaves that open. */
  readonly write: <T>(work: () => Promise<T>, happened: (result: T) => boolean) => Promise<T>;
  /** What was begun is recorded: an interrupt may cut off again. */
  readonly allRecorded: () => void;
}

/** What a second interrupt has to tell, since it ends this process at once. */
const UNSETTLED: Readonly<Record<Unsettled, string>> = {
  push: 'whether the last push arrived is not known: `pam status` tells once the remote answers',
  target:
    'what was being done at a target is not recorded: the next `pam apply` or `pam sweep` looks there and finishes it',
};

export const tellUnsettled = ({ unsettled }: Run = thisRun()): readonly string[] =>
  [...unsettled].sort().map((one) => UNSETTLED[one]);

/** @param heard whether there was an interrupt */
export function openDoors(heard: () => boolean): Doors {
  let begun = false;
  const { unsettled } = thisRun();
  const calls = { begun: 0, ended: 0 };
  const check = (): void => {
    if (heard() && !begun) throw new Interrupted();
  };
  const begin = (): void => {
    begun = true;
    letFinish();
  };
  const allRecorded = (): void => {
    begun = false;
    letCutOff();
  };
  const write: Doors['write'] = async (work, happened) => {
    check();
    const before = begun;
    let mayHave = true;
    begin();
    try {
      const result = await work();
      mayHave = happened(result);
      return result;
    } catch (error) {
      mayHave = !(error instanceof Interrupted);
      throw error;
    } finally {
      if (!mayHave && !before) allRecorded();
    }
  };
  /** The ledger, or whatever else was moved, now holds the outcomes of all calls that had ended before. */
  const moving = async <T>(work: () => Promise<T>, happened: (result: T) => boolean): Promise<T> => {
    const ended = calls.ended;
    unsettled.add('push');
    try {
      const result = await write(work, happened);
      if (happened(result) && calls.begun === ended) unsettled.delete('target');
      return result;
    } finally {
      unsettled.delete('push');
    }
  };
  const changing = async <T>(call: () => Promise<T>): Promise<T> => {
    check();
    begin();
    calls.begun += 1;
    unsettled.add('target');
    try {
      return await call();
    } finally {
      calls.ended += 1;
    }
  };
  const remote = (inner: Remote): Remote => ({
    ...inner,
    push: async (moves) =>
      await moving(
        async () => await pushOrSettle(inner, moves, heard),
        (result) => result === 'moved',
      ),
  });
  return {
    write,
    allRecorded,
    remote,
    repository: (inner) => ({
      ...inner,
      moveRef: async (ref, to, old) => {
        const move = async (): Promise<boolean> => await inner.moveRef(ref, to, old);
        return isBranch({ ref }) ? await moving(move, Boolean) : await move();
      },
      moveRefs: async (moves) => {
        const move = async (): Promise<boolean> => await inner.moveRefs(moves);
        return moves.some(isBranch) ? await moving(move, Boolean) : await move();
      },
      remote: async (name) => remote(await inner.remote(name)),
    }),
    providers: (inner) =>
      new Map(
        [...inner].map(([kind, provider]) => [
          kind,
          {
            ...provider,
            open: async (place) => sessionBehind(await provider.open(place), changing, write),
          },
        ]),
      ),
    signing:
      (sign) =>
      async (...args) => {
        check();
        const signature = await sign(...args);
        check();
        return signature;
      },
    pause: async (ms) => {
      check();
      await (begun ? sleep(ms) : orCutOff(sleep(ms)));
    },
  };
}

const isBranch = ({ ref }: { readonly ref: string }): boolean => ref.startsWith('refs/heads/');

function sessionBehind(
  inner: TargetSession,
  changing: <T>(call: () => Promise<T>) => Promise<T>,
  write: Doors['write'],
): TargetSession {
  const { prepare } = inner;
  return {
    ...inner,
    // Finished once begun, as any change is; but no ledger waits to hear of it.
    ...(prepare === undefined
      ? {}
      : {
          prepare: async (scene, now) =>
            await write(
              async () => await prepare(scene, now),
              () => false,
            ),
        }),
    grant: async (order) => await changing(async () => await inner.grant(order)),
    revoke: async (order, scene) => await changing(async () => await inner.revoke(order, scene)),
  };
}

/** Where git was ended and not the remote, what it sent may still be on its way in. */
const SETTLES_AFTER_MS = 500;

/**
 * A push that an interrupt ended is settled by asking the remote once: it is out, or that is not known yet. Where the branch
 * holds something else by now, the caller has to find out whether that stands on ours, and gets git's own error.
 */
async function pushOrSettle(
  inner: Remote,
  moves: Parameters<Remote['push']>[0],
  heard: () => boolean,
): Promise<PushResult> {
  try {
    return await inner.push(moves);
  } catch (error) {
    if (!heard() || !(error instanceof PamError) || error.code !== 'E_GIT_NETWORK') throw error;
    await sleep(SETTLES_AFTER_MS);
    const there = await inner
      .list(moves.map(({ ref }) => ref))
      .catch((cause: unknown) => Promise.reject(notKnown(cause)));
    if (moves.every(({ oid, ref }) => there.get(ref) === oid)) return 'moved';
    if (moves.some(({ ref }) => !there.has(ref))) throw mayStillArrive();
    throw error;
  }
}

const notKnown = (cause: unknown): PamError =>
  new PamError(
    'E_INTERRUPTED',
    'interrupted while it was being published; the remote did not answer when asked whether it arrived',
    { cause, hint: 'once the remote answers, `pam status` tells whether it is out' },
  );
