/** Group N inside the flows: what a file or a target says that nobody may read in a ledger or on a screen. */
import { describe, expect, it } from 'vitest';
import { requestPath } from '../../src/model/names.ts';
import { run } from './attack.ts';
import { plant, requestId, textOf } from './hostile-hands.ts';
import { preparedScene } from './scene.ts';

const scene = preparedScene();

describe('group N', () => {
  it('[N6] a merged request that holds a token: refused by digest and path, and the token is said nowhere again', async () => {
    const { world } = scene();
    const id = requestId('20261122-writer-nnnnnn');
    const token = `ghp_${'aB3'.repeat(12)}`;
    plant(world, 'main', {
      [requestPath(id)]: textOf({ id, justification: `the token is ${token}, hurry` }),
    });
    const check = await run('check', world, id);
    expect(check).toMatchObject({ codes: ['E_REQ_SECRET'], exit: 4 });
    const result = await world.apply();
    const refused = result.steps.find((one) => one.id === id);
    expect(refused).toMatchObject({ action: 'refuse', error: { code: 'E_REQ_SECRET' } });
    const audited = await world.audit();
    expect(audited.ok).toBe(true);
    const said = JSON.stringify([result, audited, await world.events(), world.notes]);
    expect(said).toContain(id);
    expect(said).not.toContain(token);
    for (const place of ['pam-ledger:entry.json', `pam-ledger:open/20261122/${id}.json`]) {
      expect(world.git('show', place)).not.toContain(token);
    }
    expect(world.git('log', '--format=%B', 'pam-ledger')).not.toContain(token);
  });
});
