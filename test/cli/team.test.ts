/** People and executors in clones of their own, on machines of their own, around one bare remote. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { documentOf, expectQuiet, wrongRefusals, listOf, parse } from './expectations.ts';
import { tempDir } from './program.ts';
import {
  type Actor,
  approved,
  ask,
  askBastion,
  bench,
  type Bench,
  commitToMain,
  must,
  ROLES,
  stock,
  stockGit,
  write,
} from './workbench.ts';

/** What a clone says the first time: to people, that it pinned; to executors, that nothing was kept before. */
const PINNED = /^first use here: the trust root sha256:[0-9a-f]{64} is now pinned on this machine\n/u;
const localBranches = (who: Actor): string =>
  who.git('for-each-ref', '--format=%(refname:short)', 'refs/heads');
/** Where policy 1 was signed: it keeps the name of all statements from being taken. */
const FIRST = /^pam-statements\/policy-1\.[0-9a-f]{16}$/u;
const remoteBranches = (team: Bench): readonly string[] =>
  stockGit(team.bare ?? '', team.alice.env, ['for-each-ref', '--format=%(refname:short)', 'refs/heads'])
    .split('\n')
    .sort();

describe('one request on its way through four clones', () => {
  let team: Bench;
  let id: string;
  beforeAll(async () => {
    team = await bench({ remote: true });
  });

  test('init --remote published main and the ledger together, and says which branches exist', () => {
    expect(remoteBranches(team)).toEqual(['main', 'pam-ledger', expect.stringMatching(FIRST)]);
    expect(localBranches(team.alice)).toBe('main');
  });

  test('the first command in a fresh clone pins the trust root and says so, once, on stderr', async () => {
    const first = await team.dana.pam(['catalog']);
    expect(first.code).toBe(0);
    expect(first.err).toMatch(PINNED);
    expect(first.err).toContain(team.trustRoot);
    expectQuiet(await team.dana.pam(['catalog']));
  });

  test('dana asks in hers: a branch on the remote, none in her clone', async () => {
    const before = team.landscape();
    id = await askBastion(team.dana);
    expect(remoteBranches(team)).toEqual(['main', 'pam-ledger', expect.stringMatching(FIRST), `pam/${id}`]);
    const after = team.landscape();
    for (const key of Object.keys(before).filter((one) => one !== team.bare))
      expect(after[key]).toBe(before[key]);
  });

  test('alice sees it in hers, although nobody fetched by hand, and approves', async () => {
    const status = parse(expectQuiet(await team.alice.pam(['status', '--json'])));
    expect(listOf(status, 'proposals')).toMatchObject([
      {
        id,
        role: 'bastion-root',
        requester: 'dana',
        have: 0,
        need: 1,
        who: ['alice', 'bob'],
        who_now: ['alice', 'bob'],
        who_later: [{ person: 'carol' }],
        next: `pam approve ${id}`,
      },
    ]);
    expectQuiet(await team.alice.pam(['approve', id, '--yes']));
    expect(remoteBranches(team).filter((one) => one.startsWith(`pam-statements/${id}.`))).toHaveLength(1);
    expect(localBranches(team.alice)).toBe('main');
  });

  test('bob merges with a dirty work tree: main moves on the remote, his own stays, and he is told', async () => {
    write(team.bob.clone, 'policy/roles.yaml', 'half an edit');
    const files = team.bob.git('status', '--porcelain');
    const head = team.bob.git('rev-parse', 'main');
    const ran = await team.bob.pam(['merge', id]);
    expect(ran.code).toBe(0);
    expect(ran.err.replace(PINNED, '')).toBe(
      'your local main is left as it is: there are uncommitted changes\n',
    );
    expect(team.bob.git('rev-parse', 'main')).toBe(head);
    expect(team.bob.git('status', '--porcelain')).toBe(files);
    expect(team.bob.git('rev-parse', 'origin/main')).not.toBe(head);
    team.bob.git('checkout', '-q', '--', 'policy/roles.yaml');
  });

  test('the executor in the third grants; dana takes her certificate from the ledger', async () => {
    const applied = await team.apply.pam(['apply', '--json']);
    const notes = /^no kept head on this machine[^\n]*\n$/u;
    const run = documentOf(applied, 'pam.run/1', ['steps', 'ledger', 'waiting', 'troubles'], { notes });
    expect(listOf(run, 'steps').filter(({ action }) => action === 'grant')).toMatchObject([
      { id, result: 'done' },
    ]);
    const certificate = expectQuiet(await team.dana.pam(['status', id, '--certificate']));
    const place = tempDir();
    write(place, 'cert.pub', certificate);
    const told = (await stock(team.dana, 'ssh-keygen', ['-L', '-f', join(place, 'cert.pub')])).out;
    expect(told).toContain(`Key ID: "${id}"`);
    const fingerprint = (
      await stock(team.dana, 'ssh-keygen', ['-l', '-f', `${team.key('dana')}.pub`])
    ).out.split(' ')[1];
    expect(told).toContain(fingerprint);
    expect(localBranches(team.apply)).toBe('main');
  });

  test('the sweeper, who has no CA key, ends it; hosts see it in the KRL; audit in any clone that fetched', async () => {
    const certificate = (await team.dana.pam(['status', id, '--certificate'])).out;
    team.later(601);
    const swept = await must(team.sweep.pam(['sweep']));
    expect(swept.out).toContain('1 revoked.');
    const place = tempDir();
    write(place, 'cert.pub', certificate);
    expect(
      (await stock(team.dana, 'ssh-keygen', ['-Q', '-f', team.targets.krl, join(place, 'cert.pub')])).out,
    ).toMatch(/REVOKED/u);
    team.dana.git('fetch', '-q', 'origin');
    const audited = parse(expectQuiet(await team.dana.pam(['audit', '--json'])));
    expect(audited).toMatchObject({
      ok: true,
      root: team.trustRoot,
      totals: { grants: 1, revocations: 1, live: 0 },
    });
    expect(Object.keys(audited['totals'] ?? {})).toContain('byExecutor');
  });

  test('a clean checked-out main comes along with a merge', async () => {
    const next = await askBastion(team.erin);
    await must(team.alice.pam(['approve', next, '--yes']));
    team.alice.git('pull', '-q', '--ff-only', 'origin', 'main');
    expectQuiet(await team.alice.pam(['merge', next]));
    expect(team.alice.git('rev-parse', 'main')).toBe(team.alice.git('rev-parse', 'origin/main'));
    expect(team.alice.git('status', '--porcelain')).toBe('');
    expect(
      existsSync(join(team.alice.clone, `requests/${next.slice(0, 4)}/${next.slice(4, 6)}/${next}.yaml`)),
    ).toBe(true);
  });

  test('[Z20] --offline works from what is there, says so, and grants nothing', async () => {
    const shown = await team.dana.pam(['status', '--offline']);
    expect({ code: shown.code, err: shown.err }).toEqual({
      code: 0,
      err: 'offline: working from what this clone holds\n',
    });
    await must(team.apply.pam(['plan']));
    const applied = await team.apply.pam(['apply', '--offline', '--json']);
    expect(listOf(parse(applied.out), 'troubles')).toMatchObject([{ code: 'E_FORGE_STALE' }]);
    expect(listOf(parse(applied.out), 'steps').filter(({ action }) => action === 'grant')).toEqual([]);
    expect(applied.code).toBe(3);
  });

  test('[Z20] a remote that is gone: people are told, a sweep says so and exits 3', async () => {
    team.sweep.git('remote', 'set-url', 'origin', join(team.dir, 'gone.git'));
    const swept = await team.sweep.pam(['sweep', '--json'], { env: { PAM_ROOT: team.trustRoot } });
    team.sweep.git('remote', 'set-url', 'origin', team.bare ?? '');
    expect(swept.code).toBe(3);
    expect(listOf(parse(swept.out), 'troubles').map(({ code }) => code)).toContain('E_FORGE_STALE');
  });

  test('a second init on the same remote is refused and moves nothing', async () => {
    const before = team.landscape();
    const ran = await team.carol.pam([
      'init',
      join(team.dir, 'again'),
      '--remote',
      team.bare ?? '',
      '--json',
    ]);
    expect({ code: ran.code, error: parse(ran.err.slice(ran.err.indexOf('{')))['code'] }).toEqual({
      code: 1,
      error: 'E_LED_EXISTS',
    });
    expect(team.landscape()).toEqual(before);
  });
});

describe('time', () => {
  let team: Bench;
  beforeAll(async () => {
    team = await bench({ remote: true });
  });

  test('[Z14] a fallback approver signs nothing too early (8, with the time), and counts afterwards', async () => {
    const id = await askBastion(team.dana);
    await must(team.apply.pam(['apply']));
    await must(team.carol.pam(['catalog']));
    const because = ['--reason', 'alice and bob are on a plane'];
    expect(
      await wrongRefusals(team, [
        {
          who: team.carol,
          args: ['approve', id, '--yes', ...because],
          code: 'E_APR_FALLBACK_EARLY',
          exit: 8,
          says: /carol may stand in from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ on/u,
        },
      ]),
    ).toEqual([]);
    team.later(15 * 60 + 2);
    expect(
      await wrongRefusals(team, [
        { who: team.carol, args: ['approve', id, '--yes'], code: 'E_USAGE', exit: 2, says: /--reason/u },
      ]),
    ).toEqual([]);
    const signed = await team.carol.pam(['approve', id, '--yes', '--json', ...because]);
    expect(documentOf(signed, 'pam.statement/1', ['id', 'type', 'signer', 'capacity'])).toMatchObject({
      signer: 'carol',
      capacity: 'fallback',
    });
    await must(team.carol.pam(['merge', id]));
    expect((await must(team.apply.pam(['apply']))).out).toContain('1 granted.');
  });

  test('a start ahead is scheduled, not granted; at the start it is granted with the end that was promised', async () => {
    const start = team.instant(1200);
    const asked = await ask(team.dana, 'web-restart', '--for', '10m', '--start', start);
    const id = await approved(team, asked.id, team.bob);
    const planned = parse((await team.bob.pam(['plan', id, '--json'])).out);
    expect(listOf(planned, 'steps')).toMatchObject([{ action: 'schedule', id }]);
    expect((await must(team.apply.pam(['apply', id]))).out).toMatch(
      /~ schedule +\S+ +web-sudo .*\n1 scheduled\.\n$/u,
    );
    expect(readdirSync(team.targets.sudoers)).toEqual([]);
    const [scheduled] = listOf(parse((await team.dana.pam(['status', id, '--json'])).out), 'grants');
    expect(scheduled).toMatchObject({ id, state: 'scheduled', access: null });
    expect((await must(team.apply.pam(['apply', id]))).out).toMatch(/scheduled already/u);
    team.later(1210);
    expect((await must(team.apply.pam(['apply', id]))).out).toContain('1 granted.');
    const [live] = listOf(parse((await team.dana.pam(['status', id, '--json'])).out), 'grants');
    expect(live).toMatchObject({ id, state: 'live', until: scheduled?.['until'] });
    expect(Date.parse(String(live?.['until'])) - Date.parse(start)).toBe(600_000);
    expect(readFileSync(join(team.targets.sudoers, `pam-${id}`), 'utf8')).toContain(
      `NOTAFTER=${String(live?.['until']).replaceAll(/[-:T]/gu, '')}`,
    );
  });

  test('what is not decided in time is refused, and an approval afterwards does not revive it', async () => {
    const { id } = await ask(team.dana, 'web-restart', '--for', '10m');
    await must(team.apply.pam(['apply']));
    await must(team.bob.pam(['approve', id, '--yes']));
    team.later(3601);
    expect(
      await wrongRefusals(team, [
        { who: team.bob, args: ['merge', id], code: 'E_POL_DECIDE_WITHIN', exit: 5 },
        { who: team.carol, args: ['approve', id, '--yes'], code: 'E_POL_DECIDE_WITHIN', exit: 5 },
      ]),
    ).toEqual([]);
    const ran = await team.apply.pam(['apply', id]);
    expect(ran.code).toBe(5);
    expect(readdirSync(team.targets.sudoers).filter((one) => one.includes(id))).toEqual([]);
  });
});

describe('a signature from another machine', () => {
  let team: Bench;
  beforeAll(async () => {
    team = await bench({ remote: true });
    await must(team.bob.pam(['catalog']));
  });

  async function signByHand(
    text: string,
    key: string,
    namespace: string,
  ): Promise<{ readonly text: string; readonly signature: string }> {
    const place = tempDir();
    write(place, 'text', text);
    await must(
      stock(team.bob, 'ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', namespace, join(place, 'text')]),
    );
    return { text: join(place, 'text'), signature: join(place, 'text.sig') };
  }

  test('[Z12] approve --print, ssh-keygen -Y sign, approve --statement --signature by somebody without any key', async () => {
    const id = await askBastion(team.dana);
    const text = expectQuiet(await team.bob.pam(['approve', id, '--print']));
    const signed = await signByHand(text, team.key('bob'), 'pam-approval-v1@pam');
    const ran = await team.erin.pam(
      ['approve', id, '--json', '--statement', signed.text, '--signature', signed.signature],
      { env: { PAM_KEY: '', PAM_PERSON: '' } },
    );
    expect(
      documentOf(ran, 'pam.statement/1', ['id', 'type', 'signer', 'capacity'], { notes: PINNED }),
    ).toMatchObject({ id, signer: 'bob', capacity: 'named' });
    expect((await team.dana.pam(['check', '--proposal', id])).code).toBe(0);
  });

  test('a changed word, another namespace, a stranger, another request: refused, nothing published', async () => {
    const id = await askBastion(team.dana);
    const other = await askBastion(team.dana);
    const text = expectQuiet(await team.bob.pam(['approve', id, '--print']));
    const submit = (
      files: { readonly text: string; readonly signature: string },
      to = id,
    ): readonly string[] => ['approve', to, '--statement', files.text, '--signature', files.signature];
    const longer = await signByHand(
      text.replace('duration: 10m', 'duration: 60m'),
      team.key('bob'),
      'pam-approval-v1@pam',
    );
    const asStop = await signByHand(text, team.key('bob'), 'pam-stop-v1@pam');
    const stranger = await signByHand(text, team.key('mallory'), 'pam-approval-v1@pam');
    const self = await signByHand(
      text.replace('signer: bob', 'signer: dana'),
      team.key('dana'),
      'pam-approval-v1@pam',
    );
    const good = await signByHand(text, team.key('bob'), 'pam-approval-v1@pam');
    expect(
      await wrongRefusals(team, [
        { who: team.bob, args: submit(longer), code: 'E_APR_GRANT', exit: 5 },
        { who: team.bob, args: submit(asStop), code: 'E_NAMESPACE', exit: 5 },
        { who: team.bob, args: submit(stranger), code: 'E_KEY_UNKNOWN', exit: 5 },
        { who: team.bob, args: submit(self), code: 'E_APR_SELF', exit: 5 },
        { who: team.bob, args: submit(good, other), code: 'E_APR_REQUEST', exit: 5 },
        {
          who: team.bob,
          args: submit({ text: good.text, signature: good.text }),
          code: 'E_SIG_MISSING',
          exit: 5,
        },
      ]),
    ).toEqual([]);
  });

  test('a stop travels the same way', async () => {
    const id = await askBastion(team.dana);
    const text = expectQuiet(await team.dana.pam(['deny', id, '--print', '--reason', 'solved itself']));
    const signed = await signByHand(text, team.key('dana'), 'pam-stop-v1@pam');
    const ran = await must(
      team.bob.pam(['deny', id, '--statement', signed.text, '--signature', signed.signature]),
    );
    expect(ran.out).toBe(`${id} stopped by dana\n`);
    expect(
      await wrongRefusals(team, [
        { who: team.bob, args: ['approve', id, '--yes'], code: 'E_POL_DENIED', exit: 5 },
      ]),
    ).toEqual([]);
  });
});

describe('policy', () => {
  let team: Bench;
  beforeAll(async () => {
    team = await bench({ remote: true, threshold: 2 });
  });

  test('with a threshold of 2 init is not enough: no grants until a second admin ratified', async () => {
    const before = await team.apply.pam(['apply', '--json']);
    expect({ code: before.code, troubles: listOf(parse(before.out), 'troubles') }).toMatchObject({
      code: 5,
      troubles: [{ code: 'E_POL_UNSIGNED' }],
    });
    const again = parse((await must(team.alice.pam(['ratify', '--yes', '--json']))).out);
    expect(again).toMatchObject({ seq: 1, have: 1, need: 2 });
    const second = await must(team.bob.pam(['ratify', '--yes']));
    expect(second.out).toBe(
      'policy 1 signed by bob: 2 of 2; the next `pam apply` or `pam sweep` puts it in force\n',
    );
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('policy 1 is in force');
    expectQuiet(await team.apply.pam(['apply']));
  });

  test('main edited without ratify stops grants, names the commit, and stops no sweep', async () => {
    const live = await approved(team, await askBastion(team.dana, '5m'));
    await must(team.apply.pam(['apply']));
    const waiting = await approved(team, await askBastion(team.erin, '5m'));
    commitToMain(
      team.alice,
      { 'policy/roles.yaml': ROLES.replace('requesters: [dana, erin]', 'requesters: [dana, erin, carol]') },
      true,
    );
    const commit = stockGit(team.bare ?? '', team.alice.env, ['rev-parse', 'main']);
    const ran = await team.apply.pam(['apply', '--json']);
    expect(ran.code).toBe(5);
    const [trouble] = listOf(parse(ran.out), 'troubles');
    expect(trouble).toMatchObject({ code: 'E_POL_UNSIGNED' });
    expect(trouble?.['message']).toContain(commit.slice(0, 12));
    const status = await team.dana.pam(['status']);
    expect({ code: status.code, named: status.err.includes(commit.slice(0, 12)) }).toEqual({
      code: 0,
      named: true,
    });
    const shown = listOf(parse((await team.dana.pam(['show', waiting, '--json'])).out), 'reasons');
    expect(shown.filter(({ ok }) => ok === false).map(({ code }) => code)).toContain('E_POL_UNSIGNED');
    team.later(301);
    expect((await must(team.sweep.pam(['sweep']))).out).toMatch(new RegExp(`- revoke +${live}`, 'u'));
  });

  test('ratify shows who gains what before anything is signed; two admins, then it is in force', async () => {
    const asked = await team.alice.pam(['ratify']);
    expect({ code: asked.code, out: asked.out }).toEqual({ code: 2, out: '' });
    expect(asked.err).toMatch(/Policy version 2:\n.*carol.*bastion-root/u);
    await must(team.alice.pam(['ratify', '--yes']));
    expect((await team.apply.pam(['apply'])).code).toBe(5);
    await must(team.bob.pam(['ratify', '--yes']));
    const ran = await must(team.apply.pam(['apply']));
    expect(ran.out).toContain('policy 2 is in force');
    expect(ran.out).toContain('1 granted.');
  });

  test('a policy that takes the subject away ends what they have', async () => {
    const people = readFileSync(join(team.alice.clone, 'policy/people.yaml'), 'utf8');
    commitToMain(
      team.alice,
      {
        'policy/people.yaml': people.replace(/ {2}erin: .*\n/u, '').replace('[dana, erin]', '[dana]'),
        'policy/roles.yaml': ROLES.replace('requesters: [dana, erin]', 'requesters: [dana]'),
      },
      true,
    );
    await must(team.alice.pam(['ratify', '--yes']));
    await must(team.bob.pam(['ratify', '--yes']));
    const swept = await must(team.sweep.pam(['sweep']));
    expect(swept.out).toMatch(/policy 3 is in force/u);
    expect(swept.out).toMatch(/- revoke .* from erin: erin is no longer in policy/u);
  });
});

describe('an executor with a machine that cannot remember', () => {
  test('still ends what has ended', async () => {
    const team = await bench({ remote: true });
    const { id } = await ask(team.dana, 'web-restart', '--for', '5m');
    await approved(team, id, team.bob);
    await must(team.apply.pam(['apply']));
    team.later(301);
    const ran = await team.sweep.pam(['sweep'], { env: { XDG_STATE_HOME: team.key('ca') } });
    expect(ran.out).toContain('1 revoked.');
    expect(ran.err).toMatch(/could not be remembered on this machine/u);
    expect(readdirSync(team.targets.sudoers)).toEqual([]);
  });
});
