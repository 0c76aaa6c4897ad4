import type { RequestId } from '../../src/model/names.ts';
import { type Attack, attack } from './attack.ts';
import type { KeyedScene } from './keyed-scene.ts';

export interface KeyedAttack extends Omit<Attack, 'do'> {
  readonly do: (scene: KeyedScene) => Promise<RequestId | void>;
}

/** `attack` whose attacker also has the keys of the keyed scene, and what waits in it. */
export function keyedAttack(
  prepare: () => KeyedScene,
  rows: string,
  title: string,
  { do: act, ...row }: KeyedAttack,
): void {
  let scene: KeyedScene | undefined;
  const copy = (): KeyedScene => {
    scene = prepare();
    return scene;
  };
  attack(copy, rows, title, {
    ...row,
    do: async () => {
      if (scene === undefined) throw new Error('the scene was not copied');
      return await act(scene);
    },
  });
}
