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

describe('a request that is typed wrongly', () => {
  const refused = async (...more: readonly string[]): Promise<string> => {
    const ran = await team.dana.pam(['request', 'bastion-root', '--for', '10m', ...more]);
    expect({ code: ran.code, out: ran.out }).toEqual({ code: 4, out: '' });
    return ran.err;
  };

  test('is told by its options, in words, with no file that is not there', async () => {
    const hint = 'hint: pam request --help\n';
    expect(await refused('--reason', ' ', '--ticket', 'OPS-1')).toBe(
      `error: --reason is empty [E_REQ_SHAPE]\n${hint}`,
    );
    expect(await refused('--reason', 'x', '--ticket', 'two words')).toBe(
      `error: --ticket is no ticket: one word of plain letters, digits and signs, without blanks [E_REQ_SHAPE]\n${hint}`,
    );
    expect(await refused('--reason', '', '--ticket', '#1', '--control', ' ')).toBe(
      `error: 3 problems with what was typed [E_REQ_SHAPE]
  --reason is empty [E_REQ_SHAPE]
  --ticket is no ticket: one word of plain letters, digits and signs, without blanks [E_REQ_SHAPE]
  --control is empty [E_REQ_SHAPE]
${hint}`,
    );
  });
});
