import { type Asked, notFound, numberIn } from './answers.ts';
import type { Hub, Pull } from './hub.ts';

export function pullOf(hub: Hub, asked: Asked, name: string = 'pull_number'): Pull {
  const number = numberIn(asked, name);
  const found = hub.pulls.find((one) => one.number === number);
  if (found === undefined) throw notFound();
  return found;
}
