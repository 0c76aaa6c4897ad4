/** GitHub with a door in front of all that writes there: `door` may refuse, and lets what it began finish. */
import { PamError } from '../model/error.ts';
import type { GitHub } from './api.ts';
import type { Wanted } from './api-errors.ts';

/** @param happened whether the work came about, by its result */
export type Door = <T>(work: () => Promise<T>, happened: (result: T) => boolean) => Promise<T>;

export function throughDoor(github: GitHub, door: Door): GitHub {
  return {
    ...github,
    ask: async (route, parameters, wanted) => {
      const ask = async (): Promise<unknown> => await github.ask(route, parameters, wanted);
      if (route.startsWith('GET ')) return await ask();
      const written = await door(
        async () => await writtenOrLost(ask, wanted),
        (result) => !('lost' in result),
      );
      if ('lost' in written) throw written.lost;
      return written.answer;
    },
    within: (milliseconds) => throughDoor(github.within(milliseconds), door),
  };
}

/** A network that fails leaves open whether the write arrived: GitHub is asked once, where the caller says how. */
async function writtenOrLost(
  ask: () => Promise<unknown>,
  { arrived }: Wanted,
): Promise<{ readonly answer: unknown } | { readonly lost: PamError }> {
  try {
    return { answer: await ask() };
  } catch (error) {
    if (arrived === undefined || !(error instanceof PamError) || error.code !== 'E_FORGE_NETWORK')
      throw error;
    const there = await arrived().catch((cause: unknown) => Promise.reject(notKnown(error, cause)));
    return there ? { answer: undefined } : { lost: error };
  }
}

const notKnown = (error: PamError, cause: unknown): PamError =>
  new PamError(error.code, `${error.message}; GitHub did not answer when asked whether it arrived`, {
    cause,
    hint: 'once GitHub answers, the pull request tells; running it again posts nothing twice',
  });
