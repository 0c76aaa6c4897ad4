/** Settings that do nothing, or less than they seem to: what is refused, what is a remark, and what the chain still takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNewPolicy, readPolicy } from '../../../src/documents/policy-files.ts';
import { initFiles } from '../../../src/flows/setup/init-files.ts';
import { DEFAULT_WAY } from '../../../src/flows/setup/sweep-ways.ts';
import { EXIT, type Issue, PamError } from '../../../src/model/error.ts';
import { type Files, POLICY_PATHS } from '../../../src/model/policy.ts';
import { judgeSettings } from '../../../src/rules/doctor/judge-settings.ts';
import { judgeNewPolicy } from '../../../src/rules/judge-new-policy.ts';
import { unbuiltInForce } from '../../../src/rules/unbuilt.ts';
import { providers } from '../../../src/targets/registry.ts';
import { treeDigest } from '../../../src/trust/digest.ts';
import { at, fillKeys, keyNamed, type PolicyTexts, TEXTS, textsWith } from '../../support/world.ts';

const NOW = at('12:00');
const filesOf = (texts: PolicyTexts): Files =>
  new Map(POLICY_PATHS.map((path) => [path, Buffer.from(fillKeys(texts[path]))]));
const believed = (files: Files) => readPolicy(files, treeDigest(files), providers);

function judged(files: Files): { readonly refused: readonly Issue[]; readonly warnings: readonly Issue[] } {
  try {
    return { refused: [], warnings: readNewPolicy(files, treeDigest(files), providers, NOW).warnings };
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    if (error.exit !== EXIT.invalid) throw error;
    return { refused: error.issues, warnings: [] };
  }
}
const places = (issues: readonly Issue[]): readonly string[] =>
  issues.map(({ file, line, col, path, code }) => `${file}:${line}:${col} ${path} ${code}`);

/** The smallest policy with `pam.yaml` so, one role field so. */
const pam = (line: string): PolicyTexts => ({ ...TEXTS, 'pam.yaml': `${TEXTS['pam.yaml']}${line}\n` });
const role = (line: string): PolicyTexts =>
  textsWith('policy/roles.yaml', 'description: May look', `description: May look\n    ${line}`);

const UNBUILT: readonly (readonly [string, PolicyTexts, string])[] = [
  ['notify', pam('notify: [{ kind: slack, url_env: PAM_SLACK_URL, on: [granted] }]'), 'pam.yaml:3:1 /notify'],
  ...['source: github, repository: a/b', 'source: http, url_env: U', 'source: command, plugin: p'].map(
    (source): readonly [string, PolicyTexts, string] => [
      source,
      pam(`incidents: { ${source} }`),
      'pam.yaml:3:14 /incidents/source',
    ],
  ),
  ['review_within', role('review_within: 24h'), 'policy/roles.yaml:18:5 /roles/reader/review_within'],
];

describe('[X60] a setting that this pam does not obey', () => {
  it.each(UNBUILT)(
    '%s: refused by name, with its place, and nothing is granted under it',
    (_, texts, place) => {
      const { refused } = judged(filesOf(texts));
      expect(places(refused)).toEqual([`${place} E_POL_UNBUILT`]);
      const name = place.split('/').at(-1)?.replace('source', 'incidents') ?? '';
      expect(refused[0]?.message).toContain(`${name} is not obeyed`);
      expect(unbuiltInForce(believed(filesOf(texts)))).toMatchObject([expect.stringContaining(name)]);
    },
  );

  it.each(['due', 'brake'])('a notice on %s, of which no ledger holds anything', (event) => {
    const texts = pam(`notify: [{ kind: slack, url_env: PAM_NOTICE_A, on: [granted, ${event}] }]`);
    const { refused } = judged(filesOf(texts));
    expect(places(refused)).toEqual(['pam.yaml:3:62 /notify/0/on/1 E_POL_UNBUILT']);
    expect(refused[0]?.message).toContain(`notify on ${event} is not obeyed`);
    expect(unbuiltInForce(believed(filesOf(texts)))).toMatchObject([expect.stringContaining(event)]);
  });

  it('what the schema does not know yet is refused by name, too, and was never believed', () => {
    const later: readonly (readonly [PolicyTexts, string])[] = [
      [pam('tickets: { source: file }'), 'tickets'],
      [pam('lift: []'), 'lift'],
      [pam('approve_page: https://a.example'), 'approve_page'],
      [role('owes: { debrief: 24h }'), 'owes'],
      [role('checks: []'), 'checks'],
      [role('controls: []'), 'controls'],
      [
        textsWith(
          'policy/roles.yaml',
          '{ approvers: ["@leads"], threshold: 1 }',
          '{ approvers: ["@leads"], threshold: 1, passkeys: true }',
        ),
        'passkeys',
      ],
      [
        textsWith(
          'policy/roles.yaml',
          '{ approvers: ["@leads"], threshold: 1 }',
          '{ approvers: ["@leads"], threshold: 1, delegates: { to: [bob] } }',
        ),
        'delegates',
      ],
      [textsWith('policy/people.yaml', 'name: Dana,', 'name: Dana, tls_key: MFkw,'), 'tls_key'],
      [
        textsWith('policy/people.yaml', '{ key: KEY(carol-sk) }', '{ key: KEY(carol-sk), origins: [] }'),
        'origins',
      ],
    ];
    for (const [texts, name] of later) {
      const { refused } = judged(filesOf(texts));
      expect([name, refused.map(({ code }) => code)]).toEqual([name, ['E_POL_UNBUILT']]);
      expect(refused[0]?.message).toContain(name);
      expect(() => believed(filesOf(texts))).toThrow(/does not obey it yet/u);
    }
  });

  it('nothing of it is asked of a policy without such a setting', () => {
    expect(judged(filesOf(TEXTS)).refused).toEqual([]);
    expect(judged(filesOf(pam('notify: []\nincidents: { source: file }'))).refused).toEqual([]);
    expect(unbuiltInForce(believed(filesOf(TEXTS)))).toEqual([]);
  });

  it('is told beside everything else that is wrong', () => {
    const texts = {
      ...UNBUILT[0]?.[1],
      ...role('review_within: 24h'),
      'pam.yaml': UNBUILT[0]?.[1]['pam.yaml'] ?? '',
    };
    const roles = texts['policy/roles.yaml'].replace('approvers: [bob, carol]', 'approvers: [bob, nobody]');
    const { refused } = judged(filesOf({ ...texts, 'policy/roles.yaml': roles }));
    expect(refused.map(({ code }) => code)).toEqual(['E_POL_UNKNOWN_NAME', 'E_POL_UNBUILT', 'E_POL_UNBUILT']);
  });
});

describe('[X143] who is told, and where the address stands', () => {
  const notify = (entry: string, texts = TEXTS): PolicyTexts => ({
    ...texts,
    'pam.yaml': `${TEXTS['pam.yaml']}notify: [{ kind: webhook, on: [granted], ${entry} }]\n`,
  });
  const asked = (texts: PolicyTexts): readonly string[] => codes(judged(filesOf(texts)).refused);

  it.each([
    'url_env: PAM_NOTICE_OPS',
    'url_env: PAM_NOTICE_OPS, secret_env: PAM_NOTICE_OPS_KEY',
    'url_env: PAM_NOTICE_OPS, roles: [dba], risk: [admin], why: false',
    'url_env: PAM_NOTICE_OPS, risk: [admin, break-glass]',
  ])('%s', (entry) => expect(asked(notify(entry))).toEqual([]));

  it.each([
    ['a variable of a target', 'url_env: PAM_NOTICE_X', '/notify/0/url_env E_POL_NOTICE'],
    [
      'a variable of a target as secret',
      'url_env: PAM_NOTICE_A, secret_env: PAM_NOTICE_X',
      '/notify/0/secret_env E_POL_NOTICE',
    ],
    ['the switch for loopback', 'url_env: PAM_NOTICE_LOOPBACK', '/notify/0/url_env E_POL_NOTICE'],
    [
      'one variable for both',
      'url_env: PAM_NOTICE_A, secret_env: PAM_NOTICE_A',
      '/notify/0/secret_env E_POL_NOTICE',
    ],
    ['another variable', 'url_env: ORDERS_DB_URL', '/notify E_POL_UNBUILT'],
    [
      'a role that is not there',
      'url_env: PAM_NOTICE_A, roles: [dba, dbb]',
      '/notify/0/roles/1 E_POL_UNKNOWN_NAME',
    ],
    [
      'a filter that nothing passes',
      'url_env: PAM_NOTICE_A, roles: [dba], risk: [standard]',
      '/notify/0/risk E_POL_NOTICE',
    ],
    ['an event that is none', 'url_env: PAM_NOTICE_A, on: [grant]', '/notify/0/on/0 E_POL_SHAPE'],
    ['an address itself', 'url_env: "https://a.example/secret"', '/notify/0/url_env E_POL_SHAPE'],
    ['a field that is none', 'url_env: PAM_NOTICE_A, to: ops', '/notify/0/to E_POL_SHAPE'],
  ])('%s is refused', (what, entry, place) => {
    const target = textsWith('policy/targets.yaml', 'krl_env: PAM_KRL', 'krl_env: PAM_NOTICE_X');
    const entries = entry.includes('on:') ? notify(entry)['pam.yaml'].replace('on: [granted], ', '') : null;
    const texts = notify(entry, what.startsWith('a variable of') ? target : TEXTS);
    expect(asked(entries === null ? texts : { ...texts, 'pam.yaml': entries })).toEqual([place]);
  });

  it('holds grants back under a policy that is in force with it', () => {
    const texts = notify('url_env: PAM_NOTICE_LOOPBACK');
    expect(judgeNewPolicy(believed(filesOf(texts))).map(({ code }) => code)).toEqual(['E_POL_NOTICE']);
  });
});

describe('[X62] what commit 69f70fb believed', () => {
  const home = new URL('../../vectors/policy/believed/', import.meta.url);
  const files: Files = new Map(POLICY_PATHS.map((path) => [path, readFileSync(new URL(path, home))]));

  it('its worked example is read on the chain, byte for byte as it was, and is refused as a new policy', () => {
    expect(believed(files)).toMatchObject({
      digest: 'sha256:9f44ca06359e6fedfe0405b8ee7ab66b012eef4adfa38e4e8e629b655333ea86',
      roles: { 'bastion-root': { review_within: '24h' } },
    });
    expect(places(judged(files).refused)).toEqual([
      'pam.yaml:19:1 /notify E_POL_UNBUILT',
      'policy/roles.yaml:47:5 /roles/bastion-root/review_within E_POL_UNBUILT',
    ]);
  });

  it('is what the ledger case of that name begins with, but for the keys', () => {
    const theCase = new URL('../../vectors/ledger/policy_of_the_first_example/policy/', import.meta.url);
    const withoutKeys = (bytes: Uint8Array): string =>
      Buffer.from(bytes)
        .toString()
        .replaceAll(/- key: .*/gu, '');
    for (const path of POLICY_PATHS) {
      const there = readFileSync(new URL(path.replace('policy/', ''), theCase));
      expect(withoutKeys(there)).toBe(withoutKeys(files.get(path) ?? Buffer.from('')));
    }
  });
});

const services = (lines: string): PolicyTexts => {
  const people = TEXTS['policy/people.yaml'].replace(/ {2}pam-apply:.*\n {2}pam-sweep:.*\n/u, lines);
  return { ...TEXTS, 'policy/people.yaml': people };
};
const executor = (name: string, may: string, targets = '"*"'): string =>
  `  ${name}: { owner: alice, keys: [{ key: KEY(${name}) }], executes: { targets: [${targets}], may: [${may}] } }\n`;
const bounded = (texts: PolicyTexts): PolicyTexts => ({
  ...texts,
  'pam.yaml': `${TEXTS['pam.yaml']}sweep_within: 1h\n`,
});
const codes = (issues: readonly Issue[]): readonly string[] =>
  issues.map(({ path, code }) => `${path} ${code}`);
const TERMINAL = '/targets/bastion/config W_PRV_NO_TERMINAL';

describe('[X63] executors that are not there', () => {
  it('a role on a target where no service may grant', () => {
    const { refused } = judged(
      filesOf(services(executor('pam-apply', 'grant', 'bastion') + executor('pam-sweep', 'revoke'))),
    );
    expect(codes(refused)).toEqual([
      '/roles/dba/target E_POL_EXECUTOR',
      '/roles/reader/target E_POL_EXECUTOR',
    ]);
  });

  it('a role on a target where no service may revoke was refused from the first', () => {
    const texts = services(executor('pam-apply', 'grant') + executor('pam-sweep', 'revoke', 'orders-db'));
    expect(() => believed(filesOf(texts))).toThrow(/no service may revoke on bastion/u);
  });

  it('sweep_within where nothing could ever sweep', () => {
    const bare = { ...services(''), 'policy/roles.yaml': 'roles: {}\n' };
    expect(codes(judged(filesOf(bare)).refused)).toEqual([]);
    expect(codes(judged(filesOf(bounded(bare))).refused)).toEqual(['/sweep_within E_POL_EXECUTOR']);
    const granter = {
      ...bare,
      ...services(executor('pam-apply', 'grant')),
      'policy/roles.yaml': 'roles: {}\n',
    };
    expect(codes(judged(filesOf(bounded(granter))).refused)).toEqual(['/sweep_within E_POL_EXECUTOR']);
    expect(judgeSettings(believed(filesOf(bounded(granter))), providers, NOW)[0]).toMatchObject({
      state: 'problem',
      code: 'E_POL_EXECUTOR',
    });
  });

  it('sweep_within where only what grants may sweep, or a sweep of one target counts for all', () => {
    expect(codes(judged(filesOf(bounded(TEXTS))).warnings)).toEqual([TERMINAL]);
    const alone = services(executor('pam-apply', 'grant, revoke'));
    expect(codes(judged(filesOf(alone)).warnings)).toEqual([TERMINAL]);
    expect(codes(judged(filesOf(bounded(alone))).warnings)).toEqual([
      '/sweep_within W_POL_SWEEPER',
      TERMINAL,
    ]);
    const parts = services(
      executor('pam-apply', 'grant') +
        executor('pam-sweep', 'revoke', 'bastion') +
        executor('pam-sweep-two', 'revoke', 'orders-db'),
    );
    expect(codes(judged(filesOf(bounded(parts))).warnings)).toEqual([
      '/sweep_within W_POL_SWEEP_PARTLY',
      TERMINAL,
    ]);
  });
});

describe('[X64] presence that nobody can show', () => {
  const asks = (presence: string, people = TEXTS): PolicyTexts =>
    textsWith(
      'policy/roles.yaml',
      '{ approvers: [alice, bob], threshold: 1 }',
      `{ approvers: [alice, bob], threshold: 1, presence: ${presence} }`,
      people,
    );

  it.each(['touch', 'verified'])(
    '%s with no attested key in the rule: refused, and was from the first',
    (presence) => {
      const without = textsWith(
        'policy/people.yaml',
        `, attested: "sha256:${'b'.repeat(64)}"`,
        '',
        asks(presence),
      );
      expect(codes(judged(filesOf(without)).refused)).toEqual([
        '/roles/operator/approval/0/threshold E_POL_UNSATISFIABLE',
      ]);
      expect(() => believed(filesOf(without))).toThrow(/attested security key/u);
      expect(codes(judged(filesOf(asks(presence))).refused)).toEqual([]);
    },
  );

  it('with one that counts no more: a remark', () => {
    const over = textsWith(
      'policy/people.yaml',
      `attested: "sha256:${'b'.repeat(64)}"`,
      `attested: "sha256:${'b'.repeat(64)}", until: 2026-11-22T11:59:59Z`,
      asks('touch'),
    );
    expect(codes(judged(filesOf(over)).warnings)).toEqual([
      '/roles/operator/approval/0/presence W_POL_PRESENCE',
      TERMINAL,
    ]);
    expect(codes(judged(filesOf(asks('touch'))).warnings)).toEqual([TERMINAL]);
  });

  it('hardware is a word that no policy of this build may use', () => {
    expect(codes(judged(filesOf(asks('hardware'))).refused)).toEqual([
      '/roles/operator/approval/0/presence E_POL_SHAPE',
    ]);
  });
});

describe('[X65] a setting that gives less than it seems to', () => {
  const extensions = (text: string): PolicyTexts =>
    textsWith('policy/targets.yaml', 'krl_env: PAM_KRL', `krl_env: PAM_KRL, ${text}`);

  it('ssh-ca without permit-pty gives nobody a terminal', () => {
    expect(codes(judged(filesOf(TEXTS)).warnings)).toEqual([TERMINAL]);
    const empty = '/targets/bastion/config/extensions W_PRV_NO_TERMINAL';
    expect(codes(judged(filesOf(extensions('extensions: []'))).warnings)).toEqual([empty]);
    expect(codes(judged(filesOf(extensions('extensions: [permit-port-forwarding]'))).warnings)).toEqual([
      empty,
    ]);
    expect(codes(judged(filesOf(extensions('extensions: [permit-pty]'))).warnings)).toEqual([]);
    expect(judgeSettings(believed(filesOf(TEXTS)), providers, NOW)).toMatchObject([
      { state: 'warning', code: 'W_PRV_NO_TERMINAL', message: expect.stringContaining('nobody a terminal') },
    ]);
  });

  it('may_preexist where every grant is an object of its own', () => {
    const idle = textsWith(
      'policy/roles.yaml',
      'description: Both of two rules',
      'description: Both of two rules\n    may_preexist: true',
      extensions('extensions: [permit-pty]'),
    );
    expect(codes(judged(filesOf(idle)).warnings)).toEqual(['/roles/operator/may_preexist W_POL_IDLE']);
    const used = textsWith(
      'policy/roles.yaml',
      'description: May look',
      'description: May look\n    may_preexist: true',
      extensions('extensions: [permit-pty]'),
    );
    expect(codes(judged(filesOf(used)).warnings)).toEqual([]);
    expect(judgeSettings(believed(filesOf(used)), providers, NOW)).toMatchObject([{ state: 'ok' }]);
  });
});

describe('[X66] what pam itself writes and shows', () => {
  it.each([undefined, 'acme/access'])('pam init (on GitHub: %s) writes no such setting', (repository) => {
    const github =
      repository === undefined
        ? undefined
        : {
            repository,
            account: { login: 'al', id: 1 },
            sweeper: { name: 'pam-sweep', key: keyNamed('pam-sweep').line },
            sweepBy: DEFAULT_WAY,
          };
    const begin = {
      admin: 'alice',
      adminKey: keyNamed('alice').line,
      executor: 'pam-apply',
      executorKey: keyNamed('pam-apply').line,
      remote: undefined,
      github,
    };
    const files = new Map([...initFiles(begin)].map(([path, text]) => [path, Buffer.from(text)]));
    expect(judged(new Map(POLICY_PATHS.map((path) => [path, files.get(path) ?? Buffer.from('')])))).toEqual({
      refused: [],
      warnings: [],
    });
  });

  it('neither does the worked example', () => {
    const home = new URL('../../../requests/', import.meta.url);
    const files = new Map(POLICY_PATHS.map((path) => [path, readFileSync(new URL(path, home))]));
    expect(judged(files)).toEqual({ refused: [], warnings: [] });
    const texts = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.yaml'),
    );
    for (const path of texts) {
      expect(readFileSync(new URL(path, home), 'utf8')).not.toMatch(
        /^ *(?:review_within|owes|checks|tickets):/mu,
      );
    }
  });
});
