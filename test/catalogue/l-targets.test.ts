/** Group L along the whole path, where a target is another one than was signed for, or cannot be reached. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { EXIT } from '../../src/model/error.ts';
import { attack } from './attack.ts';
import { merge, minutes, preparedScene, propose } from './scene.ts';

const scene = preparedScene();

describe('group L', () => {
  attack(scene, '[L23]', 'the CA behind the name is another one', {
    code: 'E_PRV_TARGET_IDENTITY',
    by: 'apply',
    exit: { apply: EXIT.failed },
    do: async ({ world }) => {
      const id = await propose(world, { role: 'root', requester: 'erin' }, 'bob');
      await merge(world, id);
      for (const end of ['', '.pub']) {
        copyFileSync(join(world.home, 'keys', `dana${end}`), join(world.home, 'keys', `ca${end}`));
      }
      return id;
    },
  });

  it('[L11] the list that hosts read cannot be written: not revoked, said so, and mended by the next sweep', async () => {
    const { world } = scene();
    const krl = join(world.home, 'krl');
    const id = await world.ask({ role: 'root', requester: 'erin' });
    await world.apply();
    expect((await world.record(id)).state).toBe('live');
    await world.stop(id, 'erin');
    rmSync(krl, { force: true });
    mkdirSync(krl);
    const failed = await world.sweep({ executor: 'pam-sweep' });
    expect(failed.steps).toMatchObject([
      { id, result: 'failed', error: { code: expect.stringMatching(/^E_PRV_/u) } },
    ]);
    expect(exitOfRun(failed)).toBe(EXIT.failed);
    expect((await world.record(id)).state).toBe('ending');
    rmSync(krl, { recursive: true });
    world.now = minutes(20);
    const mended = await world.sweep({ executor: 'pam-sweep' });
    expect(mended.steps).toMatchObject([{ id, result: 'done' }]);
    expect((await world.record(id)).state).toBe('ended');
  });
});
