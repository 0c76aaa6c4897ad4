/** What people meet on first use: a team on plain Git, a request that waits, the screens that lead from one step to the next. */
import { beforeAll, describe, expect, test } from 'vitest';
import { askBastion, bench, type Bench, must } from './workbench.ts';

let team: Bench;
let id: string;

beforeAll(async () => {
  team = await bench({ remote: true });
  id = await askBastion(team.dana);
});

describe('completion', () => {
  const words = async (...typed: readonly string[]): Promise<readonly string[]> => {
    const { code, out, err } = await team.alice.pam(['completion', 'words', '--', ...typed]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out.split('\n').slice(0, -1);
  };

  test('ids, roles, people and executors are those that this clone knows, and nothing is fetched', async () => {
    expect(await words('approve', '')).not.toContain(id);
    await must(team.alice.pam(['status']));
    const before = team.landscape();
    expect(await words('approve', '')).toEqual([id]);
    expect(await words('approve', id, '')).toEqual([]);
    expect(await words('plan', id, '')).toEqual([id]);
    expect(await words('request', 'b')).toEqual(['bastion-root']);
    expect(await words('log', '--person', 'da')).toEqual(['dana']);
    expect(await words('sweep', '--executor', '')).toEqual(['pam-apply', 'pam-sweep']);
    expect(team.landscape()).toEqual(before);
  });
});
