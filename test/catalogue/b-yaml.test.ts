/** Group B beyond single files on main (`hostile-files.test.ts`): proposals, and files too large to be looked at. */
import { describe, expect, it } from 'vitest';
import { status } from '../../src/flows/people/status.ts';
import { EXIT } from '../../src/model/error.ts';
import { requestPath, signaturePath } from '../../src/model/names.ts';
import { attack, run } from './attack.ts';
import { watched } from './floods.ts';
import {
  approveBytes,
  handsOf,
  plant,
  requestBy,
  requestId,
  requestSignature,
  signedFiles,
  textOf,
} from './hostile-hands.ts';
import { GOOD_HELD, LIVE_HELD, merge, preparedScene } from './scene.ts';

const scene = preparedScene();
const ID = requestId('20261122-writer-aaaaaa');
const OTHER = requestId('20261122-writer-bbbbbb');
const brackets = '['.repeat(900) + ']'.repeat(900);
const padded = (bytes: number): string => {
  const text = textOf({ id: ID });
  return `${text}# ${'x'.repeat(bytes - text.length - 3)}\n`;
};

describe('proposals', () => {
  attack(scene, '[B8]', 'two proposals of 900 brackets each', {
    code: 'E_YAML_DEPTH',
    by: 'check',
    do: async ({ world }) => {
      const hands = await handsOf(world);
      for (const id of [OTHER, ID]) plant(world, `pam/${id}`, await signedFiles(hands, id, brackets));
      // Everybody looks at this: it has to live.
      await status(await world.desk(), undefined, true);
      return ID;
    },
  });

  attack(scene, '[B1]', 'a key twice, approved and merged over the head of `pam merge`', {
    code: 'E_YAML_DUPKEY',
    by: ['check', 'apply'],
    do: async ({ world }) => {
      const hands = await handsOf(world);
      const text = `${textOf({ id: ID })}role: root\n`;
      await approveBytes(hands, requestBy({ id: ID, role: 'root' }), text);
      const head = plant(world, `pam/${ID}`, await signedFiles(hands, ID, text));
      world.git('merge', '-q', '--no-ff', '-m', 'merged by hand', head);
      return ID;
    },
  });

  attack(scene, '[B10, Q2]', 'one byte over 16 KiB', {
    code: 'E_YAML_SIZE',
    by: 'check',
    do: async ({ world }) => {
      const hands = await handsOf(world);
      const text = padded(16 * 1024 + 1);
      await approveBytes(hands, requestBy({ id: ID }), text);
      plant(world, `pam/${ID}`, await signedFiles(hands, ID, text));
      return ID;
    },
  });
});

it('[B10, Q2] large files on main are never read: they are refused once, and stop nobody', async () => {
  const { world, good } = scene();
  const hands = await handsOf(world);
  const text = padded(16 * 1024 + 1);
  await approveBytes(hands, requestBy({ id: ID }), text);
  const signature = await requestSignature(hands, OTHER, textOf({ id: OTHER }));
  await approveBytes(hands, requestBy({ id: OTHER }), textOf({ id: OTHER }));
  plant(world, 'main', {
    ...(await signedFiles(hands, ID, text)),
    [requestPath(OTHER)]: textOf({ id: OTHER }),
    [signaturePath(OTHER)]: signature + 'x'.repeat(20_000_000),
  });
  await merge(world, good);
  const looked = watched();
  const result = await world.apply({ change: looked.change });
  const told = result.steps.map(({ action, id, error }) => `${action} ${id} ${error?.code ?? 'well'}`);
  expect(told.toSorted()).toEqual([
    `grant ${good} well`,
    `refuse ${ID} E_YAML_SIZE`,
    `refuse ${OTHER} E_PR_SIZE`,
  ]);
  for (const path of [requestPath(ID), requestPath(OTHER), signaturePath(OTHER)])
    expect(looked.paths).not.toContain(path);
  expect(world.held()).toEqual([LIVE_HELD, GOOD_HELD]);
  const again = await world.apply();
  expect(again.steps.filter(({ id }) => id !== good)).toEqual([]);
  // Whoever asks by name gets an answer too.
  for (const id of [ID, OTHER]) expect((await run('check', world, id)).exit).not.toBe(EXIT.done);
  // The bytes that nobody read are not used up with them.
  plant(world, 'main', await signedFiles(hands, OTHER, textOf({ id: OTHER })));
  await world.apply();
  expect((await world.record(OTHER)).state).toBe('live');
  expect(await world.audit()).toMatchObject({ ok: true });
});

it('[B10] applied by its id, a file that is too large is invalid', async () => {
  const { world } = scene();
  const hands = await handsOf(world);
  plant(world, 'main', await signedFiles(hands, ID, padded(16 * 1024 + 1)));
  expect(await run('apply', world, ID)).toMatchObject({ codes: ['E_YAML_SIZE'], exit: EXIT.invalid });
  const other = padded(16 * 1024 + 2);
  plant(world, 'main', await signedFiles(hands, ID, other));
  expect(await run('apply', world, ID)).toMatchObject({ codes: ['E_YAML_SIZE'], exit: EXIT.invalid });
  expect((await world.record(ID)).refused).toHaveLength(2);
});

it('[B10] a request of exactly 16 KiB is as good as any', async () => {
  const { world } = scene();
  const hands = await handsOf(world);
  const text = padded(16 * 1024);
  await approveBytes(hands, requestBy({ id: ID }), text);
  plant(world, 'main', await signedFiles(hands, ID, text));
  await world.apply();
  expect((await world.record(ID)).state).toBe('live');
});
