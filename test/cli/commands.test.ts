/** One lone clone, every command: what it answers, in words and in JSON, and how it says no. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentOf, expectQuiet, wrongRefusals, listOf, parse } from './expectations.ts';
import { tempDir } from './program.ts';
import {
  approved,
  ask,
  askBastion,
  bench,
  type Bench,
  commitToMain,
  INCIDENT,
  must,
  stock,
  write,
} from './workbench.ts';

const UNKNOWN = '20261122-bastion-root-zzzzzz';
const FIRST_SWEEP = /^no kept head on this machine[^\n]*\n$/u;
const visible = (dir: string): readonly string[] => readdirSync(dir).filter((name) => !name.startsWith('.'));
let team: Bench;

beforeAll(async () => {
  team = await bench({ remote: false });
  commitToMain(team.alice, { 'incidents/INC-7.yaml': INCIDENT }, false);
});

describe('init', () => {
  test('makes an access repository: files, one commit, genesis and policy 1, a pinned root, nothing on stderr', async () => {
    const place = tempDir();
    const ran = await team.alice.pam(
      ['init', '--json', 'new', '--executor-key', team.key('pam-apply'), '--executor', 'robot'],
      { cwd: place },
    );
    const document = documentOf(ran, 'pam.init/1', ['root', 'seq', 'files']);
    expect(document).toMatchObject({
      seq: 1,
      files: ['pam.yaml', 'policy/people.yaml', 'policy/targets.yaml', 'policy/roles.yaml'],
    });
    const files = (
      await stock(team.alice, 'git', ['-C', join(place, 'new'), 'ls-tree', '-r', '--name-only', 'pam-ledger'])
    ).out;
    expect(files.split('\n')).toEqual(
      expect.arrayContaining(['entry.json', 'entry.json.sig', 'pam.yaml', 'open/beats.json']),
    );
    const audited = await team.alice.pam(['-C', join(place, 'new'), 'audit', '--json']);
    expect(
      documentOf(audited, 'pam.audit/1', [
        'ok',
        'root',
        'since',
        'seq',
        'head',
        'at',
        'last_sweep',
        'findings',
        'totals',
      ]),
    ).toMatchObject({ ok: true, root: document['root'] });
    expect((await stock(team.alice, 'git', ['-C', join(place, 'new'), 'status', '--porcelain'])).out).toBe(
      '',
    );
  });

  test('without an executor it makes one, whose key lies outside the repository with mode 0600', async () => {
    const place = tempDir();
    const said = expectQuiet(await team.alice.pam(['init', place]));
    expect(said).toMatch(/^access repository in .*\n {2}trust root sha256:[0-9a-f]{64} /u);
    const key = /executor {3}pam-apply, key (.*)/u.exec(said)?.[1] ?? '';
    expect(key.startsWith(place)).toBe(false);
    expect((await stock(team.alice, 'stat', ['-c', '%a', key])).out.trim()).toBe('600');
    const applied = await team.alice.pam([
      'apply',
      '-C',
      place,
      '--executor',
      'pam-apply',
      '--executor-key',
      key,
    ]);
    expect(expectQuiet(applied)).toBe('Nothing to do.\n');
  });

  test('a second init changes nothing, and a first one that broke off can be repeated', async () => {
    expect(
      await wrongRefusals(team, [
        { who: team.alice, args: ['init'], code: 'E_LED_EXISTS', exit: 1, says: /already/u },
        {
          who: team.alice,
          args: ['init', '--executor', 'pam-apply', '--executor-key', team.key('pam-apply')],
          code: 'E_LED_EXISTS',
          exit: 1,
        },
      ]),
    ).toEqual([]);
    const place = tempDir();
    write(place, 'policy/roles.yaml', 'roles: [\n');
    const broken = await team.alice.pam(['init', place]);
    expect({ code: broken.code, out: broken.out }).toEqual({ code: 4, out: '' });
    rmSync(join(place, 'policy', 'roles.yaml'));
    write(place, 'policy/roles.yaml', 'roles: {}\n');
    expectQuiet(await team.alice.pam(['init', place]));
  });

  test('without a key or a name it says which flag is missing', async () => {
    const { PAM_KEY: _key, ...unsigned } = team.alice.env;
    const { PAM_PERSON: _person, ...unnamed } = team.alice.env;
    const place = tempDir();
    for (const [env, hint] of [
      [unsigned, '--key'],
      [unnamed, '--as'],
    ] as const) {
      const ran = await team.alice.pam(['init', place], {
        env: {
          ...env,
          PAM_KEY: env === unsigned ? '' : (team.alice.env['PAM_KEY'] ?? ''),
          PAM_PERSON: env === unnamed ? '' : 'alice',
        },
      });
      expect({ code: ran.code, out: ran.out }).toEqual({ code: 2, out: '' });
      expect(ran.err).toContain(hint);
      expect(readdirSync(place)).toEqual([]);
    }
  });
});

describe('ratify', () => {
  test('nothing to sign is no error', async () => {
    const document = documentOf(await team.dana.pam(['ratify', '--json']), 'pam.ratify/1', [
      'seq',
      'digest',
      'have',
      'need',
    ]);
    expect(document).toMatchObject({ seq: null, digest: null });
  });

  test('shows who gains what, signs the next version, and an executor puts it in force', async () => {
    const roles = readFileSync(join(team.alice.clone, 'policy/roles.yaml'), 'utf8');
    commitToMain(
      team.alice,
      { 'policy/roles.yaml': roles.replace('requesters: [dana, erin]', 'requesters: [dana, erin, bob]') },
      false,
    );
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['ratify', '--yes'], code: 'E_POL_ADMIN', exit: 5 },
        {
          who: team.alice,
          args: ['ratify', '--yes', '--key', team.key('bob')],
          code: 'E_KEY_PRINCIPAL',
          exit: 5,
        },
        { who: team.alice, args: ['ratify'], code: 'E_USAGE', exit: 2, says: /--yes/u },
      ]),
    ).toEqual([]);
    const asked = await team.alice.pam(['ratify']);
    expect(asked.err).toMatch(/bob .*bastion-root/u);
    const halted = await team.apply.pam(['apply', '--json']);
    expect(parse(halted.out)['troubles']).toMatchObject([{ code: 'E_POL_UNSIGNED', ok: false }]);
    expect(halted.code).toBe(5);
    const signed = await team.alice.pam(['ratify', '--yes', '--json']);
    expect(
      documentOf(signed, 'pam.ratify/1', ['seq', 'digest', 'have', 'need'], {
        notes: /^(?:no grants for now: [^\n]*\n)?Policy version 2:\n( {2}[^\n]*\n)+$/u,
      }),
    ).toMatchObject({ seq: 2, have: 1, need: 1 });
    expect(expectQuiet(await team.apply.pam(['apply']))).toBe(
      '  * policy   policy 2 is in force\n1 put in force.\n',
    );
    commitToMain(team.alice, { 'policy/roles.yaml': roles }, false);
    const back = await team.alice.pam([
      'ratify',
      '--yes',
      '--executor',
      'pam-apply',
      '--executor-key',
      team.key('pam-apply'),
    ]);
    expect(back.out).toBe('policy 3 signed by alice: 1 of 1; it is in force\n');
  });

  test('a policy that cannot be read is never signed, and says where it is broken', async () => {
    const roles = readFileSync(join(team.alice.clone, 'policy/roles.yaml'), 'utf8');
    commitToMain(team.alice, { 'policy/roles.yaml': roles.replace('threshold: 1', 'threshold: 0') }, false);
    expect(
      await wrongRefusals(team, [
        {
          who: team.alice,
          args: ['ratify', '--yes'],
          code: 'E_POL_THRESHOLD',
          exit: 4,
          says: /policy\/roles\.yaml:\d+:\d+ \/roles\/bastion-root/u,
        },
        { who: team.alice, args: ['check'], code: 'E_POL_THRESHOLD', exit: 4 },
      ]),
    ).toEqual([]);
    commitToMain(team.alice, { 'policy/roles.yaml': roles }, false);
    expect(expectQuiet(await team.alice.pam(['check']))).toBe('good\n');
  });
});

describe('catalog', () => {
  test('lists roles in tab-separated lines, and tells one in full', async () => {
    const rows = expectQuiet(await team.dana.pam(['catalog']))
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'));
    expect(rows.map(([id, risk]) => [id, risk])).toEqual([
      ['bastion-root', 'admin'],
      ['web-restart', 'standard'],
      ['realm-admin', 'break-glass'],
      ['publish', 'standard'],
    ]);
    expect(expectQuiet(await team.dana.pam(['catalog', 'realm-admin']))).toMatch(
      /--scope realm= +prod \| test/u,
    );
    const document = documentOf(await team.dana.pam(['catalog', 'publish', '--json']), 'pam.catalog/1', [
      'roles',
    ]);
    expect(listOf(document, 'roles').map(({ id }) => id)).toEqual(['publish']);
  });

  test('an unknown role is an error with the way out', async () => {
    expect(
      await wrongRefusals(team, [
        {
          who: team.dana,
          args: ['catalog', 'nope'],
          code: 'E_POL_ROLE',
          exit: 1,
          says: /hint: .*pam catalog/u,
        },
      ]),
    ).toEqual([]);
  });
});

describe('request', () => {
  const wish = ['--for', '10m', '--reason', 'to mend the checkout'];

  test('writes one signed proposal on a branch and nothing else', async () => {
    const before = team.landscape();
    const ran = await team.dana.pam(['request', 'bastion-root', '--json', ...wish, '--ticket', 'OPS-1']);
    const { id, path, branch, proposal } = documentOf(ran, 'pam.request/1', [
      'id',
      'path',
      'branch',
      'proposal',
    ]);
    const [day, month] = [String(id).slice(0, 8), String(id).slice(4, 6)];
    expect({ path, branch, proposal }).toEqual({
      path: `requests/${day.slice(0, 4)}/${month}/${String(id)}.yaml`,
      branch: `pam/${String(id)}`,
      proposal: `pam/${String(id)}`,
    });
    const diff = team.dana.git('diff', '--name-status', 'main', `pam/${String(id)}`);
    expect(diff).toBe(`A\t${String(path)}\nA\t${String(path)}.sig`);
    const after = team.landscape();
    expect(after[`${team.dana.clone} files`]).toBe(before[`${team.dana.clone} files`]);
    expect(after[`${team.dana.clone} index`]).toBe(before[`${team.dana.clone} index`]);
  });

  test('a draft is one unsigned file that `check` can judge', async () => {
    const ran = await team.dana.pam([
      'request',
      'bastion-root',
      '--draft',
      '--json',
      ...wish,
      '--ticket',
      'OPS-1',
    ]);
    const { path, branch } = documentOf(ran, 'pam.request/1', ['id', 'path', 'branch', 'proposal']);
    expect(branch).toBeNull();
    const checked = await team.dana.pam(['check', String(path), '--json']);
    expect(documentOf(checked, 'pam.check/1', ['ok', 'issues', 'reasons'])).toMatchObject({
      ok: true,
      issues: [],
    });
    rmSync(join(team.dana.clone, String(path)));
  });

  test('pre-checks refuse before anything is created, every failing rule with its own code', async () => {
    const secret = 'AKIAABCDEFGHIJKLMNOP';
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['request', 'bastion-root', ...wish], code: 'E_POL_TICKET', exit: 5 },
        {
          who: team.dana,
          args: ['request', 'bastion-root', '--for', '61m', '--reason', 'x', '--ticket', 'OPS-1'],
          code: 'E_POL_TTL',
          exit: 5,
          says: /61m is longer than the 1h/u,
        },
        {
          who: team.alice,
          args: ['request', 'bastion-root', ...wish, '--ticket', 'OPS-1'],
          code: 'E_POL_REQUESTER',
          exit: 5,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', ...wish, '--subject', 'erin'],
          code: 'E_POL_SUBJECT',
          exit: 5,
        },
        {
          who: team.dana,
          args: ['request', 'nope', ...wish],
          code: 'E_POL_ROLE',
          exit: 5,
          says: /hint: `pam catalog` lists/u,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', ...wish, '--start', team.instant(31 * 86_400)],
          code: 'E_POL_START',
          exit: 5,
        },
        {
          who: team.dana,
          args: [
            'request',
            'realm-admin',
            ...wish,
            '--control',
            'x',
            '--incident',
            'INC-7',
            '--scope',
            'realm=other',
          ],
          code: 'E_POL_SCOPE',
          exit: 5,
        },
        {
          who: team.dana,
          args: [
            'request',
            'realm-admin',
            ...wish,
            '--control',
            'x',
            '--incident',
            'INC-8',
            '--scope',
            'realm=prod',
          ],
          code: 'E_POL_INCIDENT',
          exit: 5,
        },
        {
          who: team.dana,
          args: ['request', 'realm-admin', ...wish, '--incident', 'INC-7', '--scope', 'realm=prod'],
          code: 'E_POL_CONTROLS',
          exit: 5,
        },
        {
          who: team.dana,
          args: [
            'request',
            'realm-admin',
            '--for',
            '10m',
            '--reason',
            'too short',
            '--control',
            'x',
            '--incident',
            'INC-7',
            '--scope',
            'realm=prod',
          ],
          code: 'E_POL_JUSTIFICATION',
          exit: 5,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', '--for', 'soon', '--reason', 'x'],
          code: 'E_REQ_TTL',
          exit: 4,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', ...wish, '--start', 'tomorrow'],
          code: 'E_REQ_TIME',
          exit: 4,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', '--for', '10m', '--reason', `the key is ${secret}`],
          code: 'E_REQ_SECRET',
          exit: 4,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', '--for', '10m', '--reason', 'a\u001b[2Jb'],
          code: 'E_REQ_CHARSET',
          exit: 4,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', ...wish, '--key', team.key('erin')],
          code: 'E_KEY_PRINCIPAL',
          exit: 5,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', ...wish, '--key', '/nowhere/key'],
          code: 'E_SIGN',
          exit: 1,
          says: /hint: .*--key/u,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', '--reason', 'x'],
          code: 'E_USAGE',
          exit: 2,
          says: /--for/u,
        },
        {
          who: team.dana,
          args: ['request', 'web-restart', '--for', '10m'],
          code: 'E_USAGE',
          exit: 2,
          says: /--reason/u,
        },
        {
          who: team.dana,
          args: ['request', 'realm-admin', ...wish, '--scope', 'realm'],
          code: 'E_USAGE',
          exit: 2,
          says: /key=value/u,
        },
      ]),
    ).toEqual([]);
    const all = await team.dana.pam(['request', 'realm-admin', '--for', '9h', '--reason', 'x', '--json']);
    const codes = listOf(parse(all.err), 'issues').map(({ code }) => code);
    expect(codes).toEqual([
      'E_POL_SCOPE',
      'E_POL_TTL',
      'E_POL_CONTROLS',
      'E_POL_JUSTIFICATION',
      'E_POL_INCIDENT',
    ]);
    const leaked = await team.dana.pam([
      'request',
      'web-restart',
      '--for',
      '10m',
      '--reason',
      `the key is ${secret}`,
    ]);
    expect(leaked.err).not.toContain(secret);
  });
});

describe('check', () => {
  test('files: good 0, refused by policy 5, invalid 4 with file:line:col and the path inside', async () => {
    const day = team.instant(0).slice(0, 10).replaceAll('-', '');
    const id = `${day}-web-restart-aaaaaa`;
    const place = tempDir();
    const path = join(place, `${id}.yaml`);
    const good = `version: 1\nid: ${id}\nrequester: dana\nsubject: dana\nrole: web-restart\nduration: 1h\njustification: to mend it\n`;
    const check = async (text: string) => {
      write(place, `${id}.yaml`, text);
      return await team.dana.pam(['check', '--json', path]);
    };
    expect(documentOf(await check(good), 'pam.check/1', ['ok', 'issues', 'reasons'])).toMatchObject({
      ok: true,
    });
    const long = documentOf(
      await check(good.replace('1h', '9h')),
      'pam.check/1',
      ['ok', 'issues', 'reasons'],
      { code: 5 },
    );
    expect(listOf(long, 'reasons').filter(({ ok }) => ok === false)).toMatchObject([{ code: 'E_POL_TTL' }]);
    const typo = documentOf(
      await check(good.replace('duration', 'durration')),
      'pam.check/1',
      ['ok', 'issues', 'reasons'],
      { code: 4 },
    );
    expect(listOf(typo, 'issues')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ line: 6, col: 1, path: '/durration', code: 'E_REQ_UNKNOWN_FIELD' }),
      ]),
    );
    const said = await team.dana.pam(['check', path]);
    expect(said.out).toMatch(/\.yaml:6:1 \/durration .*\[E_REQ_UNKNOWN_FIELD\]/u);
    expect(said.out).toMatch(/invalid\n$/u);
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['check', '/nowhere.yaml'], code: 'E_USAGE', exit: 2 },
      ]),
    ).toEqual([]);
  });

  test('a proposal: pending 8, approved 0, refused 5, unknown 1', async () => {
    const id = await askBastion(team.dana);
    const check = async (): Promise<number | null> => (await team.bob.pam(['check', '--proposal', id])).code;
    expect(await check()).toBe(8);
    await must(team.bob.pam(['approve', id, '--yes']));
    expect(await check()).toBe(0);
    await must(team.dana.pam(['deny', id, '--yes', '--reason', 'not needed any more']));
    expect(await check()).toBe(5);
    expect(
      await wrongRefusals(team, [
        { who: team.bob, args: ['check', '--proposal', UNKNOWN], code: 'E_ID_UNKNOWN', exit: 1 },
      ]),
    ).toEqual([]);
  });
});

describe('show', () => {
  test('the decision record: every reason with its code, the exact grant, and exit 0 whatever the decision', async () => {
    const id = await askBastion(team.dana);
    const document = documentOf(await team.bob.pam(['show', id, '--json']), 'pam.decision/1', [
      'id',
      'decision',
      'state',
      'reasons',
      'grant',
      'untrusted',
    ]);
    expect(document).toMatchObject({
      id,
      decision: 'pending',
      grant: { subject: 'dana', target: 'bastion', permissions: ['principal:root'], duration: '10m' },
    });
    for (const reason of listOf(document, 'reasons'))
      expect(Object.keys(reason)).toEqual(['code', 'ok', 'message']);
    expect(
      listOf(document, 'reasons')
        .filter(({ ok }) => ok === false)
        .map(({ code }) => code),
    ).toEqual(['E_APR_MISSING']);
    const said = expectQuiet(await team.bob.pam(['show', id]));
    expect(said).toMatch(/ {2}gets +principal:root\n/u);
    expect(said).toMatch(
      / {2}no {2}approvals 0 of 1; alice, bob may approve; carol too 15m after .* \[E_APR_MISSING\]\n\nnext: pam approve /u,
    );
    expect(said).not.toMatch(/\n\n\n/u);
  });

  test('evidence is verified by stock ssh-keygen, and a changed byte is not', async () => {
    const id = await askBastion(team.dana);
    await must(team.bob.pam(['approve', id, '--yes']));
    const place = join(tempDir(), 'evidence');
    expectQuiet(await team.dana.pam(['show', id, '--evidence', place]));
    const verify = async (type: string, signer: string, text: string) =>
      await stock(
        team.dana,
        'ssh-keygen',
        [
          '-Y',
          'verify',
          '-f',
          join(place, 'allowed_signers'),
          '-I',
          signer,
          '-n',
          `pam-${type}-v1@pam`,
          '-s',
          join(place, `${type}-${signer}.txt.sig`),
        ],
        text,
      );
    for (const [type, signer] of [
      ['request', 'dana'],
      ['approval', 'bob'],
    ] as const) {
      const text = readFileSync(join(place, `${type}-${signer}.txt`), 'utf8');
      expect((await verify(type, signer, text)).out).toMatch(/^Good /u);
      expect((await verify(type, signer, text.replace('10m', '20m').replace(id, UNKNOWN))).code).not.toBe(0);
      expect((await verify(type, 'alice', text).catch(() => ({ code: 1 }))).code).not.toBe(0);
    }
  });

  test('what is no id and what nobody knows', async () => {
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['show', UNKNOWN], code: 'E_ID_UNKNOWN', exit: 1, says: /hint: .*pam log/u },
        { who: team.dana, args: ['show', 'bastion'], code: 'E_USAGE', exit: 2 },
        {
          who: team.dana,
          args: ['show', '--', '--upload-pack=x'],
          code: 'E_USAGE',
          exit: 2,
          says: /not a request id/u,
        },
        { who: team.dana, args: ['show', '-x'], code: 'E_USAGE', exit: 2 },
        { who: team.dana, args: ['show', '20261122-bastion-root-zzzzzz/../../x'], code: 'E_USAGE', exit: 2 },
        { who: team.dana, args: ['show'], code: 'E_USAGE', exit: 2 },
      ]),
    ).toEqual([]);
  });
});

describe('approve and deny', () => {
  test('who may not approve signs nothing', async () => {
    const id = await askBastion(team.dana);
    const { deployBot } = team;
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['approve', id, '--yes'], code: 'E_APR_SELF', exit: 5 },
        { who: team.erin, args: ['approve', id, '--yes'], code: 'E_APR_SCOPE', exit: 5 },
        { who: deployBot, args: ['approve', id, '--yes'], code: 'E_APR_NONHUMAN', exit: 5 },
        { who: team.alice, args: ['approve', id, '--yes', '--as', 'nobody'], code: 'E_KEY_UNKNOWN', exit: 5 },
        {
          who: team.carol,
          args: ['approve', id, '--yes', '--reason', 'both are away'],
          code: 'E_APR_FALLBACK_EARLY',
          exit: 8,
          says: /no executor has seen/u,
        },
        {
          who: team.alice,
          args: ['approve', id, '--yes', '--key', team.key('bob')],
          code: 'E_KEY_PRINCIPAL',
          exit: 5,
        },
        {
          who: team.alice,
          args: ['approve', id, '--yes', '--key', team.key('mallory')],
          code: 'E_KEY_UNKNOWN',
          exit: 5,
        },
        { who: team.alice, args: ['approve', id], code: 'E_USAGE', exit: 2, says: /add --yes/u },
        { who: team.alice, args: ['approve', UNKNOWN, '--yes'], code: 'E_ID_UNKNOWN', exit: 1 },
        {
          who: team.alice,
          args: ['approve', id, '--statement', '/nowhere'],
          code: 'E_USAGE',
          exit: 2,
          says: /--signature/u,
        },
        {
          who: team.alice,
          args: ['approve', id, '--statement', '/nowhere', '--signature', '/nowhere'],
          code: 'E_USAGE',
          exit: 2,
        },
        { who: team.erin, args: ['deny', id, '--yes'], code: 'E_APR_SCOPE', exit: 5 },
        { who: team.alice, args: ['deny', id], code: 'E_USAGE', exit: 2, says: /add --yes/u },
        {
          who: team.alice,
          args: ['deny', id, '--yes', '--key', team.key('mallory')],
          code: 'E_SIG_STOP',
          exit: 5,
        },
      ]),
    ).toEqual([]);
    const asked = await team.alice.pam(['approve', id]);
    expect(asked.err).toContain('You are about to sign:');
    expect(asked.err).toContain('    permission: "principal:root"');
  });

  test('--print writes the exact text, for people as it is and for scripts in the document', async () => {
    const id = await askBastion(team.dana);
    const text = expectQuiet(await team.bob.pam(['approve', id, '--print']));
    expect(text.split('\n').slice(0, 2)).toEqual(['pam-statement: v1', 'type: approval']);
    const document = documentOf(await team.bob.pam(['approve', id, '--print', '--json']), 'pam.statement/1', [
      'id',
      'type',
      'signer',
      'capacity',
      'text',
    ]);
    expect(document).toMatchObject({ id, type: 'approval', signer: 'bob', capacity: 'named' });
    const stop = expectQuiet(await team.dana.pam(['deny', id, '--print', '--reason', 'late']));
    expect(stop).toMatch(/\nbecause: "late"\n$/u);
  });

  test('approving answers with the statement, and approving twice is no error', async () => {
    const id = await askBastion(team.dana);
    const fields = ['id', 'type', 'signer', 'capacity'];
    expect(
      documentOf(await team.bob.pam(['approve', id, '--yes', '--json']), 'pam.statement/1', fields),
    ).toMatchObject({ id, type: 'approval', signer: 'bob', capacity: 'named' });
    expect(expectQuiet(await team.bob.pam(['approve', id.slice(-6), '--yes']))).toMatch(
      new RegExp(`^you approved ${id} at \\S+Z; nothing to do\nnext: pam merge ${id}\n$`, 'u'),
    );
    const status = parse((await team.bob.pam(['status', id, '--json'])).out);
    expect(listOf(status, 'proposals')).toMatchObject([{ id, have: 1, need: 1, next: `pam merge ${id}` }]);
  });

  test('a denial is final: no approval, no merge, no grant after it', async () => {
    const id = await askBastion(team.dana);
    const denied = await team.alice.pam(['deny', id, '--yes', '--reason', 'not tonight', '--json']);
    expect(documentOf(denied, 'pam.statement/1', ['id', 'type', 'signer', 'capacity'])).toMatchObject({
      id,
      type: 'stop',
      signer: 'alice',
    });
    expect(
      await wrongRefusals(team, [
        {
          who: team.bob,
          args: ['approve', id, '--yes'],
          code: 'E_POL_DENIED',
          exit: 5,
          says: /not tonight/u,
        },
        { who: team.bob, args: ['merge', id], code: 'E_POL_DENIED', exit: 5 },
      ]),
    ).toEqual([]);
    const ran = await must(team.apply.pam(['apply']));
    expect(ran.out).toMatch(new RegExp(`x stop +${id}`, 'u'));
    expect(
      await wrongRefusals(team, [
        { who: team.alice, args: ['deny', id, '--yes'], code: 'E_REQ_CONSUMED', exit: 5 },
      ]),
    ).toEqual([]);
    expect((await team.apply.pam(['apply', id])).code).toBe(5);
    expect(expectQuiet(await team.dana.pam(['log', id]))).toContain('stopped by alice: not tonight');
  });
});

describe('merge, plan, apply, status, sweep', () => {
  let id: string;

  test('merge waits for the evidence: pending 8, and nothing moves', async () => {
    id = await askBastion(team.dana, '10m');
    expect(
      await wrongRefusals(team, [
        { who: team.alice, args: ['merge', id], code: 'E_APR_MISSING', exit: 8, says: /hint: pam show/u },
        { who: team.alice, args: ['merge', UNKNOWN], code: 'E_ID_UNKNOWN', exit: 1 },
      ]),
    ).toEqual([]);
  });

  test('apply records what it sees, answers "pending" for the id alone, and 0 for all', async () => {
    const one = await team.apply.pam(['apply', id, '--json']);
    const document = documentOf(one, 'pam.run/1', ['steps', 'ledger', 'waiting', 'troubles'], { code: 8 });
    expect(listOf(document, 'steps')).toMatchObject([{ action: 'see', id, result: 'done', error: null }]);
    expect(listOf(document, 'waiting')).toMatchObject([{ id }]);
    expect((await team.apply.pam(['apply'])).code).toBe(0);
  });

  test('merge puts exactly the two files on main, as a merge commit, and brings the clean checkout along', async () => {
    await must(team.alice.pam(['approve', id, '--yes']));
    const before = team.alice.git('rev-parse', 'main');
    const { commit } = documentOf(await team.alice.pam(['merge', id, '--json']), 'pam.merge/1', [
      'id',
      'commit',
    ]);
    expect(team.alice.git('rev-parse', 'main')).toBe(commit);
    expect(team.alice.git('rev-parse', `${String(commit)}^1`)).toBe(before);
    expect(team.alice.git('rev-parse', `${String(commit)}^2`)).toBe(team.alice.git('rev-parse', `pam/${id}`));
    expect(team.alice.git('diff', '--name-only', before, String(commit)).split('\n')).toHaveLength(2);
    expect(team.alice.git('status', '--porcelain')).toBe('');
    expect(expectQuiet(await team.alice.pam(['merge', id]))).toMatch(/is merged already/u);
  });

  test('plan says what is to be done and changes nothing; --exit-code makes it 10', async () => {
    const before = team.landscape();
    const document = documentOf(
      await team.dana.pam(['plan', '--json', '--exit-code']),
      'pam.plan/1',
      ['steps', 'troubles'],
      { code: 10 },
    );
    const [step] = listOf(document, 'steps');
    expect(Object.keys(step ?? {})).toEqual([
      'action',
      'id',
      'subject',
      'target',
      'permissions',
      'until',
      'why',
    ]);
    expect(step).toMatchObject({
      action: 'grant',
      id,
      subject: 'dana',
      target: 'bastion',
      permissions: ['principal:root'],
      why: 'approved by alice',
    });
    const said = expectQuiet(await team.dana.pam(['plan', id]));
    expect(said).toMatch(
      /^ {2}\+ grant +\d{8}-bastion-root-\w{6} {2}bastion {2}principal:root to dana until .* \(in 10m\), approved by alice\nPlan: 1 to grant\.\n$/u,
    );
    expect(team.landscape()).toEqual(before);
  });

  test('only an executor with the right to grant applies', async () => {
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['apply'], code: 'E_USAGE', exit: 2, says: /--executor/u },
        { who: team.dana, args: ['sweep'], code: 'E_USAGE', exit: 2, says: /--executor/u },
        {
          who: team.sweep,
          args: ['apply'],
          code: 'E_POL_EXECUTOR',
          exit: 5,
          says: /pam-sweep may not grant/u,
        },
        { who: team.apply, args: ['apply', UNKNOWN], code: 'E_ID_UNKNOWN', exit: 1 },
        {
          who: team.apply,
          args: ['apply', '--executor-key', team.key('mallory')],
          code: 'E_EXECUTOR_KEY',
          exit: 2,
        },
      ]),
    ).toEqual([]);
  });

  test('apply grants, the subject has a certificate, applying again is skipped', async () => {
    const document = documentOf(await team.apply.pam(['apply', '--json']), 'pam.run/1', [
      'steps',
      'ledger',
      'waiting',
      'troubles',
    ]);
    const [step] = listOf(document, 'steps');
    expect(Object.keys(step ?? {}).sort()).toEqual(['action', 'error', 'id', 'result', 'target', 'what']);
    expect(step).toMatchObject({ action: 'grant', id, target: 'bastion', result: 'done', error: null });
    const again = parse((await team.apply.pam(['apply', id, '--json'])).out);
    expect(listOf(again, 'steps')).toMatchObject([{ id, result: 'skipped', error: null }]);
    const status = documentOf(await team.dana.pam(['status', id, '--json']), 'pam.status/1', [
      'grants',
      'proposals',
      'last_sweep',
      'warnings',
      'now',
    ]);
    expect(listOf(status, 'grants')).toMatchObject([
      {
        id,
        subject: 'dana',
        role: 'bastion-root',
        target: 'bastion',
        state: 'live',
        access: { kind: 'ssh-certificate' },
      },
    ]);
    const shown = expectQuiet(await team.dana.pam(['status', id, '--color', 'always']));
    expect(shown).toContain('\u001b[1mTo use it\u001b[22m\n');
    expect(shown).toContain(`  ssh -i ${team.key('dana')} -o CertificateFile=`);
    expect(expectQuiet(await team.carol.pam(['status', id]))).toContain('  ssh -i <your private key> -o ');
    const certificate = expectQuiet(await team.dana.pam(['status', id, '--certificate']));
    const place = tempDir();
    write(place, 'id-cert.pub', certificate);
    const told = (await stock(team.dana, 'ssh-keygen', ['-L', '-f', join(place, 'id-cert.pub')])).out;
    expect(told).toContain(`Key ID: "${id}"`);
    expect(told).toMatch(/Principals:\s+root\s/u);
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['status', UNKNOWN], code: 'E_ID_UNKNOWN', exit: 1 },
        { who: team.dana, args: ['status', '--certificate'], code: 'E_NO_CERTIFICATE', exit: 1 },
        { who: team.alice, args: ['approve', id, '--yes'], code: 'E_REQ_CONSUMED', exit: 5 },
      ]),
    ).toEqual([]);
  });

  test('sweep is quiet until the end, then takes it away everywhere; "overdue" until it did', async () => {
    const early = documentOf(
      await team.sweep.pam(['sweep', '--json']),
      'pam.run/1',
      ['steps', 'ledger', 'troubles'],
      { notes: FIRST_SWEEP },
    );
    expect(early['steps']).toEqual([]);
    team.later(601);
    const overdue = parse((await team.dana.pam(['status', id, '--json'])).out);
    expect(listOf(overdue, 'grants')).toMatchObject([{ id, state: 'overdue', access: null }]);
    const audited = await team.dana.pam(['audit', '--json']);
    expect(audited.code).toBe(20);
    expect(listOf(parse(audited.out), 'findings')).toMatchObject([
      { code: 'E_LED_OVERDUE', severity: 'error' },
    ]);
    expect(expectQuiet(await team.sweep.pam(['sweep', '--target', 'legacy']))).toMatch(
      /^Nothing to do \(last recorded sweep: .*; idle sweeps are recorded only with sweep_within\)\.\n$/u,
    );
    const said = expectQuiet(await team.sweep.pam(['sweep']));
    expect(said).toMatch(
      new RegExp(`^ {2}- revoke +${id} +bastion +principal:root from dana: .*\n1 revoked\\.\n$`, 'u'),
    );
    const status = parse((await team.dana.pam(['status', '--all', '--json'])).out);
    expect(listOf(status, 'grants').find((one) => one['id'] === id)).toMatchObject({
      state: 'ended',
      access: null,
    });
    expect(existsSync(team.targets.krl)).toBe(true);
    const after = await team.apply.pam(['apply', id]);
    expect(after.code).toBe(5);
    expect(after.out).toMatch(/E_REQ_CONSUMED/u);
    // What was decided stays the answer, long after it ended.
    const shown = parse((await team.dana.pam(['show', id, '--json'])).out);
    expect([shown['decision'], shown['state']]).toEqual(['approved', 'ended']);
    expect((await team.dana.pam(['check', '--proposal', id])).code).toBe(0);
    expect((await team.dana.pam(['status', id])).out).toMatch(/ended \d\d:\d\d:\d\d UTC/u);
  });
});

describe('revoke', () => {
  test('signs a stop that the next sweep carries out; show says so meanwhile', async () => {
    const id = await approved(team, await askBastion(team.dana));
    await must(team.apply.pam(['apply']));
    expect(
      await wrongRefusals(team, [
        { who: team.erin, args: ['revoke', id, '--reason', 'x', '--yes'], code: 'E_APR_SCOPE', exit: 5 },
        { who: team.dana, args: ['revoke', id, '--yes'], code: 'E_USAGE', exit: 2, says: /--reason/u },
        {
          who: team.dana,
          args: ['revoke', id, '--reason', 'x'],
          code: 'E_USAGE',
          exit: 2,
          says: /add --yes/u,
        },
        {
          who: team.dana,
          args: ['revoke', UNKNOWN, '--reason', 'x', '--yes'],
          code: 'E_ID_UNKNOWN',
          exit: 1,
        },
      ]),
    ).toEqual([]);
    const ran = await team.dana.pam(['revoke', id, '--reason', 'done early', '--yes', '--json']);
    expect(documentOf(ran, 'pam.statement/1', ['id', 'type', 'signer', 'capacity'])).toMatchObject({
      id,
      type: 'stop',
      signer: 'dana',
    });
    expect(expectQuiet(await team.dana.pam(['show', id]))).toMatch(
      /^\S+ {2}ending\n[^]*stopped by dana: done early; the next sweep takes it away/u,
    );
    const ending = await team.dana.pam(['status', '--json']);
    expect(listOf(parse(ending.out), 'grants').find((one) => one['id'] === id)).toMatchObject({
      state: 'ending',
      why: 'stopped by dana: done early',
      access: null,
    });
    expect(expectQuiet(await team.dana.pam(['plan']))).toMatch(
      /- revoke +\S+ +bastion +principal:root from dana, stopped by dana: done early/u,
    );
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('1 revoked.');
    expect(expectQuiet(await team.dana.pam(['show', id]))).toMatch(
      / {2}because +stopped by dana: done early/u,
    );
    expect(
      await wrongRefusals(team, [
        {
          who: team.dana,
          args: ['revoke', id, '--reason', 'again', '--yes'],
          code: 'E_REQ_CONSUMED',
          exit: 5,
        },
      ]),
    ).toEqual([]);
  });

  test('with an executor at hand it is gone at once', async () => {
    const asked = await ask(team.dana, 'web-restart', '--for', '1h');
    const id = await approved(team, asked.id, team.bob);
    await must(team.apply.pam(['apply']));
    expect(readdirSync(team.targets.sudoers)).toEqual([`pam-${id}`]);
    const ran = await team.apply.pam([
      'revoke',
      id,
      '--reason',
      'wrong host',
      '--yes',
      '--json',
      '--as',
      'bob',
      '--key',
      team.key('bob'),
    ]);
    const document = documentOf(ran, 'pam.run/1', ['steps', 'ledger']);
    expect(listOf(document, 'steps')).toMatchObject([
      { action: 'revoke', id, target: 'web-sudo', result: 'done' },
    ]);
    expect(readdirSync(team.targets.sudoers)).toEqual([]);
  });
});

describe('every kind of target and risk', () => {
  test('break-glass on a plugin: two people for two rules, scope filled in, ended when the incident closes', async () => {
    const { id } = await ask(
      team.erin,
      'realm-admin',
      '--for',
      '20m',
      '--incident',
      'INC-7',
      '--scope',
      'realm=prod',
      '--control',
      'bob watches',
    );
    await must(team.alice.pam(['approve', id, '--yes']));
    expect(
      await wrongRefusals(team, [
        { who: team.alice, args: ['merge', id], code: 'E_APR_MISSING', exit: 8, says: /rule \d of 2/u },
      ]),
    ).toEqual([]);
    await must(team.carol.pam(['approve', id, '--yes']));
    await must(team.alice.pam(['merge', id]));
    await must(team.apply.pam(['apply']));
    expect(visible(team.targets.legacy)).toEqual([Buffer.from('erin admin:prod').toString('hex')]);
    commitToMain(team.alice, { 'incidents/INC-7.yaml': INCIDENT.replace('open', 'closed') }, false);
    const swept = await must(team.sweep.pam(['sweep']));
    expect(swept.out).toMatch(/- revoke .*admin:prod from erin: incident INC-7 closed/u);
    expect(visible(team.targets.legacy)).toEqual([]);
    commitToMain(team.alice, { 'incidents/INC-7.yaml': INCIDENT }, false);
  });

  test('one failing target: exit 3, the others are revoked, and the next sweep mends it', async () => {
    const web = await approved(team, (await ask(team.dana, 'web-restart', '--for', '5m')).id, team.bob);
    const bot = await approved(team, (await ask(team.deployBot, 'publish', '--for', '5m')).id);
    await must(team.apply.pam(['apply']));
    team.later(301);
    write(team.targets.legacy, 'down', '');
    const partly = await team.sweep.pam(['sweep', '--json']);
    const document = documentOf(partly, 'pam.run/1', ['steps', 'ledger', 'troubles'], {
      code: 3,
      notes: /^(?:could not look at legacy again[^\n]*\n)*$/u,
    });
    const results = Object.fromEntries(listOf(document, 'steps').map((one) => [one['id'], one['result']]));
    expect(results).toEqual({ [web]: 'done', [bot]: 'failed' });
    rmSync(join(team.targets.legacy, 'down'));
    expect(expectQuiet(await team.sweep.pam(['sweep']))).toContain('1 revoked.');
  });

  test('a service asks for itself and through its owner; the owner never approves it', async () => {
    const own = await ask(team.deployBot, 'publish', '--for', '10m');
    const through = await ask(team.dana, 'publish', '--for', '10m', '--subject', 'deploy-bot');
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['approve', own.id, '--yes'], code: 'E_APR_SELF', exit: 5 },
        { who: team.dana, args: ['approve', through.id, '--yes'], code: 'E_APR_SELF', exit: 5 },
        {
          who: team.erin,
          args: ['request', 'publish', '--for', '10m', '--reason', 'x', '--subject', 'deploy-bot'],
          code: 'E_POL_REQUESTER',
          exit: 5,
        },
      ]),
    ).toEqual([]);
    await approved(team, own.id);
    await approved(team, through.id);
    const ran = await must(team.apply.pam(['apply', '--json']));
    expect(listOf(parse(ran.out), 'steps').map(({ result }) => result)).toEqual(['done', 'done']);
    team.later(601);
    await must(team.sweep.pam(['sweep']));
  });

  test('an executor leaves other targets to other executors', async () => {
    const people = readFileSync(join(team.alice.clone, 'policy/people.yaml'), 'utf8');
    const key = team.publicKey('mallory');
    const other = `owner: alice, keys: [{ key: ${key} }], executes: { targets: ["*"], may: [grant] }`;
    commitToMain(
      team.alice,
      {
        'policy/people.yaml': people
          .replace(
            'executes: { targets: ["*"], may: [grant',
            'executes: { targets: [bastion, legacy], may: [grant',
          )
          // Somebody has to grant on the others, or no admin could sign it.
          .replace('services:\n', `services:\n  pam-web: { ${other} }\n`),
      },
      false,
    );
    await must(
      team.alice.pam(['ratify', '--yes', '--executor', 'pam-apply', '--executor-key', team.key('pam-apply')]),
    );
    const web = await approved(team, (await ask(team.dana, 'web-restart', '--for', '5m')).id, team.bob);
    const root = await approved(team, await askBastion(team.dana, '5m'));
    const ran = await team.apply.pam(['apply', '--json']);
    const document = documentOf(ran, 'pam.run/1', ['steps', 'ledger', 'waiting', 'troubles']);
    expect(listOf(document, 'steps').filter(({ action }) => action === 'grant')).toMatchObject([
      { id: root, result: 'done' },
    ]);
    const left = listOf(document, 'waiting').find((one) => one['id'] === web);
    expect(left === undefined ? [] : listOf(left, 'reasons').slice(-1)).toMatchObject([
      { code: 'E_POL_EXECUTOR', ok: false, message: 'pam-apply may not grant on web-sudo' },
    ]);
    commitToMain(team.alice, { 'policy/people.yaml': people }, false);
    await must(
      team.alice.pam(['ratify', '--yes', '--executor', 'pam-apply', '--executor-key', team.key('pam-apply')]),
    );
    expect(listOf(parse((await must(team.apply.pam(['apply', '--json']))).out), 'steps')).toMatchObject([
      { id: web, result: 'done' },
    ]);
    team.later(301);
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('2 revoked.');
  });
});

describe('log, audit, schema', () => {
  test('log tells events with their place, filters, and prints the head', async () => {
    const document = documentOf(await team.dana.pam(['log', '--json']), 'pam.log/1', [
      'events',
      'seq',
      'head',
      'at',
    ]);
    for (const event of listOf(document, 'events'))
      expect(Object.keys(event)).toEqual(expect.arrayContaining(['type', 'seq', 'at', 'executor']));
    expect(listOf(document, 'events')[0]).toMatchObject({ type: 'genesis', seq: 0 });
    const some = parse(
      (await team.dana.pam(['log', '--json', '--person', 'erin', '--role', 'realm-admin', '--limit', '2']))
        .out,
    );
    expect(listOf(some, 'events').map(({ type }) => type)).toEqual(['ending', 'revoked']);
    expect(expectQuiet(await team.dana.pam(['log', '--limit', '1']))).toMatch(
      /^\S+ +\d+ .*\nhead sha256:[0-9a-f]{64} \(entry \d+, at /u,
    );
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['log', '--limit', '0'], code: 'E_USAGE', exit: 2 },
        {
          who: team.dana,
          args: ['log', '--since', 'yesterday'],
          code: 'E_USAGE',
          exit: 2,
          says: /hint: write how long ago, 12h or 7d, or since when, \d{4}-\d\d-\d\dT00:00:00Z/u,
        },
        { who: team.dana, args: ['log', 'nonsense'], code: 'E_USAGE', exit: 2 },
      ]),
    ).toEqual([]);
  });

  test('audit verifies everything, writes nothing in the clone, and keeps a checkpoint', async () => {
    const before = team.landscape();
    const place = join(tempDir(), 'checkpoint.json');
    const ran = await team.dana.pam(['audit', '--json', '--write-checkpoint', place]);
    const document = documentOf(ran, 'pam.audit/1', [
      'ok',
      'root',
      'since',
      'seq',
      'head',
      'at',
      'last_sweep',
      'findings',
      'totals',
    ]);
    expect(document).toMatchObject({ ok: true, root: team.trustRoot, findings: [] });
    expect(parse(readFileSync(place, 'utf8'))).toMatchObject({
      schema: 'pam.checkpoint/1',
      root: team.trustRoot,
      head: document['head'],
    });
    expectQuiet(await team.dana.pam(['audit', '--checkpoint', place]));
    write(tempDir(), 'x', '');
    const forged = join(tempDir(), 'forged.json');
    write(
      join(forged, '..'),
      'forged.json',
      readFileSync(place, 'utf8').replace(/"seq": ?\d+/u, '"seq":99999'),
    );
    const rolled = await team.dana.pam(['audit', '--json', '--checkpoint', forged]);
    expect({ code: rolled.code, ok: parse(rolled.out)['ok'] }).toEqual({ code: 20, ok: false });
    expect(team.landscape()).toEqual(before);
  });

  test('audit without a pin says UNPINNED and is not ok; a wrong root is 20', async () => {
    const env = { XDG_STATE_HOME: tempDir() };
    const unpinned = await team.dana.pam(['audit'], { env });
    expect({ code: unpinned.code, err: unpinned.err }).toEqual({ code: 20, err: '' });
    expect(unpinned.out).toMatch(/NOT VERIFIED/u);
    expect(unpinned.out).toMatch(/UNPINNED/u);
    expectQuiet(await team.dana.pam(['audit', '--root', team.trustRoot], { env }));
    const wrong = `sha256:${'0'.repeat(64)}`;
    expect(
      await wrongRefusals(team, [
        { who: team.dana, args: ['audit', '--root', wrong], code: 'E_POL_GENESIS', exit: 20 },
        { who: team.dana, args: ['status', '--root', wrong], code: 'E_LED_ROOT', exit: 20 },
        { who: team.apply, args: ['apply', '--root', wrong], code: 'E_LED_ROOT', exit: 20 },
        { who: team.dana, args: ['audit', '--root', 'abc'], code: 'E_USAGE', exit: 2 },
        { who: team.dana, args: ['audit', '--checkpoint', '/nowhere'], code: 'E_USAGE', exit: 2 },
      ]),
    ).toEqual([]);
  });

  test('schema lists names and prints one', async () => {
    const names = expectQuiet(await team.dana.pam(['schema']))
      .trimEnd()
      .split('\n');
    expect(names).toEqual(expect.arrayContaining(['request', 'people', 'roles', 'targets', 'pam', 'entry']));
    expect(parse(expectQuiet(await team.dana.pam(['schema', 'request'])))).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
    });
    documentOf(await team.dana.pam(['schema', 'request', '--json']), 'pam.schema/1', ['name', 'document']);
    documentOf(await team.dana.pam(['schema', '--json']), 'pam.schema/1', ['names']);
    expect(
      await wrongRefusals(team, [{ who: team.dana, args: ['schema', 'nope'], code: 'E_USAGE', exit: 2 }]),
    ).toEqual([]);
  });
});
