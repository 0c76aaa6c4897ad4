/**
 * Two files of 1.8 KB that end the process of the parser that pam uses. In every place where somebody may put bytes:
 * on main, in a proposal, beside it, in a statement, on the ledger, in an incident.
 */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Ran } from '../cli/program.ts';
import { approved, askBastion, bench, type Bench, commitToMain, must, write } from '../cli/workbench.ts';

const SQUARE = `${'['.repeat(900)}${']'.repeat(900)}\n`;
/** As deep as a request file may be long. */
const DEEP = `${'['.repeat(8000)}${']'.repeat(8000)}\n`;
const CURLY = `${'{a: '.repeat(450)}${'}'.repeat(450)}\n`;

let team: Bench;
let good: string;
let ids: readonly string[];

beforeAll(async () => {
  team = await bench({ remote: true });
  const day = team.instant(0).slice(0, 10).replaceAll('-', '');
  const folder = `requests/${day.slice(0, 4)}/${day.slice(4, 6)}`;
  ids = ['aa', 'bb', 'cc', 'dd', 'ee'].map((tail) => `${day}-bomb-${tail}${tail}${tail}`);
  const proposed = ['vv', 'ww', 'xx', 'yy', 'zz'].map((tail) => `${day}-bomb-${tail}${tail}${tail}`);
  good = await approved(team, await askBastion(team.dana));
  const bombs = (under: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      under.flatMap((id, at) => {
        const bomb = [SQUARE, DEEP, SQUARE, CURLY, DEEP][at] ?? SQUARE;
        return [
          [`${folder}/${id}.yaml`, bomb],
          [`${folder}/${id}.yaml.sig`, SQUARE],
        ];
      }),
    );
  commitToMain(
    team.alice,
    { ...bombs(ids), 'incidents/INC-1.yaml': SQUARE, 'incidents/INC-2.yaml': CURLY },
    true,
  );
  pushBombs(proposed, bombs(proposed));
}, 240_000);

/** Proposals, statements and a ledger commit, by somebody who may push. */
function pushBombs(proposed: readonly string[], files: Readonly<Record<string, string>>): void {
  const { dana } = team;
  dana.git('fetch', '-q', 'origin');
  for (const id of proposed) {
    dana.git('checkout', '-q', '-B', 'bomb', 'origin/main');
    for (const [path, text] of Object.entries(files)) if (path.includes(id)) write(dana.clone, path, text);
    dana.git('add', '-A', '.');
    dana.git('commit', '-q', '-m', id);
    dana.git('push', '-q', 'origin', `bomb:refs/heads/pam/${id}`);
  }
  dana.git('checkout', '-q', '--orphan', 'alone');
  dana.git('rm', '-rfq', '.');
  for (const name of ['statement', 'statement.sig']) write(dana.clone, name, SQUARE);
  dana.git('add', '-A', '.');
  dana.git('commit', '-q', '-m', 'a statement');
  dana.git('push', '-q', 'origin', `alone:refs/heads/pam-statements/${ids[0]}.0123456789abcdef`);
  dana.git('checkout', '-q', '-B', 'ledger', 'origin/pam-ledger');
  for (const path of ['entry.json', 'entry.json.sig', 'policy/people.yaml']) write(dana.clone, path, SQUARE);
  dana.git('commit', '-qam', 'an entry');
  dana.git('push', '-q', 'origin', 'ledger:pam-ledger');
  dana.git('checkout', '-q', '-B', 'main', 'origin/main');
}

/** A process that was ended by a signal, or that aborted, has no exit code of the table. */
async function exitOf(run: Promise<Ran>): Promise<number | NodeJS.Signals | null> {
  const { code, signal } = await run;
  return signal ?? code;
}

describe('[B8] bracket bombs', () => {
  test('the parser itself does not survive them', () => {
    const script = `import { parseDocument } from 'yaml'; for (let n = 0; n < 2; n++) try { parseDocument(process.argv[1]); } catch {}`;
    const run = (): unknown =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script, SQUARE], { stdio: 'pipe' });
    // Once it does, this file may be shorter.
    expect(run).toThrow(/Command failed/u);
  });

  test('status, check, show and plan answer', async () => {
    const [square = '', deep = ''] = ids;
    expect(await exitOf(team.dana.pam(['status', '--all']))).toBe(0);
    expect(await exitOf(team.dana.pam(['check', '--proposal', square]))).toBe(4);
    expect(
      await exitOf(
        team.dana.pam(['check', `requests/${square.slice(0, 4)}/${square.slice(4, 6)}/${square}.yaml`]),
      ),
    ).toBe(4);
    expect(await exitOf(team.dana.pam(['show', square]))).toBe(0);
    expect(await exitOf(team.dana.pam(['show', deep]))).toBe(0);
    expect(await exitOf(team.apply.pam(['plan']))).toBe(0);
  });

  test('apply says that there is junk, and grants in the next run', async () => {
    const first = await team.apply.pam(['apply', '--json']);
    expect(first.code).toBe(20);
    const { steps } = JSON.parse(first.out) as {
      steps: { action: string; id: string; error: { code: string } | null }[];
    };
    const refused = steps.flatMap(({ action, id, error }) =>
      action === 'refuse' ? [`${id} ${error?.code}`] : [],
    );
    // By their depth, before the parser sees them: whether it survives depends on what it has read before.
    expect(refused.sort()).toEqual(ids.map((id) => `${id} E_YAML_DEPTH`));
    expect(await exitOf(team.apply.pam(['apply']))).toBe(0);
    expect((await must(team.dana.pam(['status', good]))).out).toContain('live');
  });

  test('sweep ends what is due, audit tells the one finding', async () => {
    team.later(601);
    const swept = await team.sweep.pam(['sweep']);
    expect(swept.code).toBe(0);
    expect(swept.out).toContain('1 revoked.');
    const audited = await team.sweep.pam(['audit', '--json', '--root', team.trustRoot]);
    expect(audited.code).toBe(0);
    const { findings } = JSON.parse(audited.out) as { findings: { code: string }[] };
    expect(findings.map(({ code }) => code)).toEqual(['W_LED_JUNK']);
  });
});
