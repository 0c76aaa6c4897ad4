/** Group A: what a request says, along the whole path. Bytes of files: `hostile-files.test.ts`. */
import { describe } from 'vitest';
import { attack } from './attack.ts';
import { approveBytes, duration, plant, requestBy, requestId, signedFiles, textOf } from './hostile-hands.ts';
import { merge, preparedScene } from './scene.ts';

describe('group A', () => {
  const scene = preparedScene();
  const ID = requestId('20261122-writer-aaaaaa');

  attack(scene, '[A1]', 'an extra key, though everybody signed', {
    code: 'E_REQ_UNKNOWN_FIELD',
    by: ['check', 'apply'],
    do: async ({ world }) => {
      const text = `${textOf({ id: ID })}approved: true\n`;
      await approveBytes(world, requestBy({ id: ID }), text);
      plant(world, 'main', await signedFiles(world, ID, text));
      return ID;
    },
  });

  attack(scene, '[A10]', 'its requester edits a merged request and signs it again', {
    code: 'E_APR_DIGEST',
    by: ['apply'],
    do: async ({ world, victim }) => {
      await merge(world, victim);
      const longer = textOf({ id: victim, duration: duration('8h') });
      plant(world, 'main', await signedFiles(world, victim, longer));
      return victim;
    },
  });
});
