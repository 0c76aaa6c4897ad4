/** The setup page and the examples beside it say what the program makes and does. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { rulesetBody, wantedRulesets } from '../../../src/forges/github/wanted-rules.ts';
import { SWEEP_WAYS } from '../../../src/flows/setup/sweep-ways.ts';

const text = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = text('src/templates/github/pam-setup.md');

test('the rulesets of the page are those that --apply-settings makes', () => {
  const shown = [...page.matchAll(/rulesets --input - <<'JSON'\n([\s\S]*?)\nJSON\n/gu)].map(
    ([, json = '']) => JSON.parse(json) as unknown,
  );
  const made = wantedRulesets({ main: 'main', ledger: 'pam-ledger' }).map((one) => rulesetBody(one));
  expect(shown).toEqual(JSON.parse(JSON.stringify(made)));
});

test('each way of sweeping is on the page, with the sweep_within that init writes', () => {
  const rows = page.split('\n').filter((line) => /^\| `(?:watch|timer|hourly|schedule)` \|/u.test(line));
  expect(rows.map((line) => [/^\| `(\w+)`/u.exec(line)?.[1], / \| `(\w+)` \|$/u.exec(line)?.[1]])).toEqual(
    SWEEP_WAYS.map(({ name, within }) => [name, within]),
  );
});

test('what the schedules cost is counted', () => {
  const often = (of: string): number =>
    /cron: '([\d,]+) \* \* \* \*'/u.exec(text(`src/templates/github/${of}`))?.[1]?.split(',').length ?? 0;
  const month = (often('pam-apply.yml') + often('pam-sweep.yml')) * 24 * 30;
  expect(page).toContain(`up to ${month.toLocaleString('en-US')} minutes a month`);
  expect(page).toContain(`would be ${(3 * (60 / 5) * 24 * 30).toLocaleString('en-US')}`);
});

test('the check is called advice, and nothing calls it a wall', () => {
  for (const one of [page, text('docs/github.md')]) {
    expect(one).toMatch(/advice/u);
    expect(one).not.toMatch(/\bwall\b/u);
  }
});

describe('the example of an hourly job', () => {
  const example = text('docs/examples/github/pam-hourly.yml');
  const jobs = (parse(example) as { readonly jobs: Record<string, Job> }).jobs;
  interface Job {
    readonly environment?: string;
    readonly permissions: Readonly<Record<string, string>>;
    readonly steps: readonly { readonly run?: string; readonly uses?: string }[];
  }

  test('pins the actions that the shipped workflows pin, and the job that may start others holds no key', () => {
    const pins = (of: string): readonly string[] =>
      [...of.matchAll(/uses: (actions\/\S+)/gu)].map(([, one = '']) => one);
    const shipped = pins(text('src/templates/github/pam-sweep.yml'));
    expect(pins(example).filter((one) => !shipped.includes(one))).toEqual([]);
    expect(jobs['next']).toMatchObject({ permissions: { actions: 'write' } });
    expect(jobs['next']).not.toHaveProperty('environment');
    expect(jobs['watch']).toMatchObject({ environment: 'pam-sweep', permissions: { contents: 'write' } });
  });

  test('watches for less than the job has, in shell that shellcheck takes', () => {
    expect(example).toMatch(/sweep --watch --timeout 55m\n/u);
    expect(example).toMatch(/timeout-minutes: 58\n/u);
    const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(runs).toHaveLength(4);
    for (const run of runs) {
      const checked = spawnSync('shellcheck', ['--shell=bash', '-'], {
        input: `set -eo pipefail\n${run}`,
        encoding: 'utf8',
      });
      expect(checked.stdout).toBe('');
    }
  });
});

test('the steps by hand are twenty at most, each with what to expect and what to change', () => {
  const rows = text('docs/develop/github-by-hand.md')
    .split('\n')
    .filter((line) => /^\| \d+ \|/u.test(line));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.length).toBeLessThanOrEqual(20);
  for (const row of rows) expect(row.split(' | ').filter((cell) => cell.trim() !== '')).toHaveLength(4);
});
