/** GitHub with a door in front of all that writes there: `door` may refuse, and lets what it began finish. */
import type { GitHub } from './api.ts';

export type Door = <T>(work: () => Promise<T>) => Promise<T>;

export function throughDoor(github: GitHub, door: Door): GitHub {
  return {
    ...github,
    ask: async (route, parameters, wanted) => {
      const ask = async (): Promise<unknown> => await github.ask(route, parameters, wanted);
      return route.startsWith('GET ') ? await ask() : await door(ask);
    },
    within: (milliseconds) => throughDoor(github.within(milliseconds), door),
  };
}
