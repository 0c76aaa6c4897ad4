/** The whole road on GitHub: people in clones of their own, the executors as further machines, the real program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listOf, parse } from './expectations.ts';
import { githubBench, type GithubBench, REPOSITORY } from './github-bench.ts';
import { type Actor, must, write } from './workbench.ts';

let world: GithubBench;
beforeAll(async () => {
  world = await githubBench({ init: ['--github', REPOSITORY], config: 'sweep_within: 1h\n' });
});
afterAll(async () => {
  await world.hub.close();
});

const numberIn = (url: unknown): string => /\/pull\/(\d+)$/u.exec(String(url))?.[1] ?? '';

/** What CI's required check says about a pull request, with the job's summary. */
async function check(
  who: Actor,
  number: string | number,
): Promise<{ readonly code: number | null; readonly codes: readonly unknown[] }> {
  const ran = await who.pam(['check', '--proposal', String(number), '--json']);
  const document = parse(ran.out === '' ? ran.err : ran.out);
  const failing = 'reasons' in document ? listOf(document, 'reasons').filter(({ ok }) => ok === false) : [];
  const issues = 'issues' in document ? listOf(document, 'issues') : [];
  return { code: ran.code, codes: [...issues, ...failing].map(({ code }) => code) };
}

/** Somebody changes policy on a branch of their own and opens a pull request. */
async function proposePolicy(
  who: Actor,
  branch: string,
  path: string,
  from: string,
  to: string,
): Promise<number> {
  who.git('fetch', '-q', 'origin');
  who.git('checkout', '-q', '-B', branch, 'origin/main');
  const text = readFileSync(join(who.clone, path), 'utf8');
  if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`);
  write(
    who.clone,
    path,
    text.replace(from, () => to),
  );
  who.git('commit', '-q', '-am', branch);
  who.git('push', '-q', 'origin', branch);
  const number = await world.open(who, branch, `Policy: ${branch}`);
  who.git('checkout', '-q', 'main');
  return number;
}

describe('policy travels as pull requests, signed before they are merged', () => {
  test('one that its own author signs, by a comment, since GitHub lets nobody approve their own', async () => {
    const { team, hub } = world;
    const number = await proposePolicy(
      team.alice,
      'two-admins',
      'policy/people.yaml',
      'threshold: 1 }',
      'threshold: 2 }',
    );
    // Who admins are changes, so those of the next version have to agree as well.
    expect(await check(team.bob, number)).toEqual({ code: 8, codes: ['E_POL_UNSIGNED', 'E_POL_UNSIGNED'] });
    const signed = await must(team.alice.pam(['ratify', String(number), '--yes', '--json']));
    expect(parse(signed.out)).toMatchObject({ seq: 2, have: 1, need: 1 });
    expect(await check(team.bob, number)).toEqual({ code: 8, codes: ['E_POL_UNSIGNED'] });
    await must(team.bob.pam(['ratify', String(number), '--yes']));
    expect(await check(team.bob, number)).toEqual({ code: 0, codes: [] });
    hub.merge(number, 'squash', 'bob-gh');
    expect((await must(team.apply.pam(['apply']))).out).toContain('policy 2 is in force');
  });

  test('one that needs two, and is merged too early: nothing is granted until both signed', async () => {
    const { team, hub } = world;
    const number = await proposePolicy(
      team.bob,
      'shorter',
      'policy/roles.yaml',
      'max_duration: 8h',
      'max_duration: 4h',
    );
    await must(team.alice.pam(['ratify', `#${number}`, '--yes']));
    expect(await check(team.dana, number)).toEqual({ code: 8, codes: ['E_POL_UNSIGNED'] });
    hub.merge(number, 'merge', 'carol-gh');
    const early = await team.apply.pam(['apply']);
    expect(early.code).not.toBe(0);
    expect(early.out).toContain('E_POL_UNSIGNED');
    await must(team.carol.pam(['ratify', String(number), '--yes']));
    expect((await must(team.apply.pam(['apply']))).out).toContain('policy 3 is in force');
  });

  test('one that also touches something else is no policy change', async () => {
    const { team } = world;
    const { bob } = team;
    bob.git('fetch', '-q', 'origin');
    bob.git('checkout', '-q', '-B', 'both', 'origin/main');
    write(
      bob.clone,
      'policy/roles.yaml',
      `${readFileSync(join(bob.clone, 'policy/roles.yaml'), 'utf8')}# longer\n`,
    );
    write(bob.clone, 'notes.md', 'x');
    bob.git('add', '-A');
    bob.git('commit', '-q', '-m', 'both');
    bob.git('push', '-q', 'origin', 'both');
    const number = await world.open(bob, 'both', 'Both');
    expect(await check(team.alice, number)).toEqual({ code: 4, codes: ['E_PR_SCOPE'] });
    expect((await team.alice.pam(['ratify', String(number), '--yes'])).code).toBe(4);
  });

  test('one with nothing of pam is good', async () => {
    const { team } = world;
    const { bob } = team;
    bob.git('checkout', '-q', '-B', 'docs', 'origin/main');
    write(bob.clone, 'docs/hello.md', 'hello\n');
    bob.git('add', '-A');
    bob.git('commit', '-q', '-m', 'docs');
    bob.git('push', '-q', 'origin', 'docs');
    expect(await check(team.alice, await world.open(bob, 'docs', 'Docs'))).toEqual({ code: 0, codes: [] });
  });
});

describe('a request', () => {
  let id = '';
  let number = '';

  test('opens a pull request that a human can decide from, and wakes the executor', async () => {
    const { team, hub } = world;
    const asked = await must(
      team.dana.pam([
        'request',
        'bastion-root',
        '--for',
        '10m',
        '--ticket',
        'OPS-1',
        '--reason',
        'to mend the checkout',
        '--json',
      ]),
    );
    const document = parse(asked.out);
    id = String(document['id']);
    number = numberIn(document['proposal']);
    expect(number).not.toBe('');
    const pull = (await world.call('alice', 'GET', `/pulls/${number}`)) as {
      readonly title: string;
      readonly body: string;
      readonly requested_reviewers: readonly { readonly login: string }[];
    };
    expect(pull.title).toContain('bastion-root');
    for (const word of [
      id,
      'principal:root',
      'bastion',
      '10m',
      'to mend the checkout',
      'OPS-1',
      'alice',
      'bob',
    ]) {
      expect(pull.body).toContain(word);
    }
    expect(pull.body).toContain(`pam approve ${number === '' ? '?' : id}`);
    expect(pull.requested_reviewers.map(({ login }) => login).sort()).toEqual(['alice-gh', 'bob-gh']);
    expect(hub.dispatches.map(({ to }) => to)).toEqual(['pam-apply.yml']);
  });

  test('waits; its requester cannot approve it, a click is no approval, and whoever is not due yet signs nothing', async () => {
    const { team, hub } = world;
    expect(await check(team.erin, number)).toMatchObject({ code: 8 });
    const own = await team.dana.pam(['approve', number, '--yes', '--json']);
    expect([own.code, parse(own.err)['code']]).toEqual([5, 'E_APR_SELF']);
    expect((await team.carol.pam(['approve', number, '--yes', '--reason', 'alice sleeps'])).code).toBe(8);
    await must(team.apply.pam(['apply']));
    expect((await must(team.apply.pam(['status', id]))).out).toContain(id);
    await world.call('alice', 'POST', `/pulls/${number}/reviews`, { event: 'APPROVE', body: 'fine by me' });
    expect(await check(team.erin, number)).toMatchObject({
      code: 5,
      codes: expect.arrayContaining(['E_APR_UNSIGNED']),
    });
    const before = hub.requests.length;
    expect((await team.apply.pam(['apply'])).out).not.toContain('+ grant');
    expect(hub.requests.slice(before).some(({ method }) => method !== 'GET')).toBe(false);
  });

  test('an unsigned "no" by a named approver holds it back, until it is taken back', async () => {
    const { team, hub } = world;
    await must(team.bob.pam(['approve', `https://github.com/acme/access/pull/${number}`, '--yes']));
    expect(await check(team.erin, number)).toMatchObject({ code: 0 });
    await world.call('alice', 'POST', `/pulls/${number}/reviews`, { event: 'REQUEST_CHANGES', body: 'wait' });
    expect(await check(team.erin, number)).toMatchObject({ code: 8, codes: ['E_POL_DENIED'] });
    hub.merge(Number(number), 'rebase', 'bob-gh');
    expect((await team.apply.pam(['apply', id])).code).toBe(8);
    const reviews = (await world.call('alice', 'GET', `/pulls/${number}/reviews`)) as readonly {
      readonly id: number;
      readonly state: string;
    }[];
    const brake = reviews.find(({ state }) => state === 'CHANGES_REQUESTED');
    await world.call('alice', 'PUT', `/pulls/${number}/reviews/${brake?.id}/dismissals`, {
      message: 'go on',
    });
  });

  test('granted, used, swept, and proven by somebody else', async () => {
    const { team } = world;
    const ran = await must(team.apply.pam(['apply', '--json']));
    expect(listOf(parse(ran.out), 'steps')).toContainEqual(
      expect.objectContaining({ action: 'grant', id, result: 'done' }),
    );
    const certificate = (await must(team.dana.pam(['status', id, '--certificate']))).out;
    expect(certificate).toMatch(/^ssh-ed25519-cert-v01@openssh\.com /u);
    expect((await must(team.sweep.pam(['sweep']))).out).not.toContain('revoke');
    team.later(11 * 60);
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('1 revoked.');
    team.erin.git('fetch', '-q', 'origin', '+refs/heads/pam-ledger:refs/remotes/origin/pam-ledger');
    expect((await must(team.erin.pam(['audit', '--root', team.trustRoot]))).out).toMatch(/^verified/u);
  });
});

describe('a denial', () => {
  test('is a review that asks for changes, and final', async () => {
    const { team, hub } = world;
    const asked = parse(
      (
        await must(
          team.erin.pam([
            'request',
            'bastion-root',
            '--for',
            '5m',
            '--ticket',
            'OPS-2',
            '--reason',
            'to look around',
            '--json',
          ]),
        )
      ).out,
    );
    const number = numberIn(asked['proposal']);
    await must(team.alice.pam(['approve', number, '--yes']));
    await must(team.bob.pam(['deny', number, '--yes', '--reason', 'not tonight']));
    const reviews = (await world.call('erin', 'GET', `/pulls/${number}/reviews`)) as readonly {
      readonly state: string;
    }[];
    expect(reviews.map(({ state }) => state)).toEqual(['APPROVED', 'CHANGES_REQUESTED']);
    // Once: the click that carried the stop does not say that it waits for another click.
    expect(await check(team.erin, number)).toEqual({ code: 5, codes: ['E_POL_DENIED'] });
    hub.merge(Number(number), 'squash', 'alice-gh');
    expect((await team.apply.pam(['apply', String(asked['id'])])).code).toBe(5);
  });

  test('a refusal says each reason once; what was asked names its pull request', async () => {
    const { dana } = world.team;
    const ask = ['request', 'bastion-root', '--for', '45m', '--reason', 'x'];
    const refused = await dana.pam(ask);
    expect(refused.err.split('a ticket is required')).toHaveLength(2);
    const asked = await must(dana.pam([...ask, '--ticket', 'OPS-7']));
    expect(asked.out).toMatch(/\n {2}pull request https:\S+\/acme\/access\/pull\/\d+\nnext: /u);
    const [id = ''] = asked.out.split('\n');
    const blank = parse((await must(dana.pam(['deny', id, '--print', '--reason', ' ', '--json']))).out);
    expect(blank['text']).toMatch(/\nbecause: -\n$/u);
    await world.call('dana', 'PATCH', `/pulls/${numberIn(/\S+\/pull\/\d+/u.exec(asked.out)?.[0])}`, {
      state: 'closed',
    });
  });

  test('status where GitHub does not answer says that it does not know what waits', async () => {
    const down = { env: { GITHUB_API_URL: 'http://127.0.0.1:9' } };
    const ran = await must(world.team.dana.pam(['status'], down));
    expect(ran.out).not.toContain('nothing waits');
    expect(ran.out.match(/what waits could not be read: .* \[E_FORGE_NETWORK\]/gu)).toHaveLength(1);
    const told = parse((await must(world.team.dana.pam(['status', '--json'], down))).out);
    expect(told['warnings']).toMatchObject([{ code: 'E_FORGE_NETWORK' }]);
  });

  test('a withdrawal of live access, long after the merge, is a comment, and ends it', async () => {
    const { team, hub } = world;
    const asked = parse(
      (
        await must(
          team.erin.pam([
            'request',
            'bastion-root',
            '--for',
            '30m',
            '--ticket',
            'OPS-3',
            '--reason',
            'to restart it',
            '--json',
          ]),
        )
      ).out,
    );
    const id = String(asked['id']);
    const number = numberIn(asked['proposal']);
    await must(team.alice.pam(['approve', number, '--yes']));
    hub.merge(Number(number), 'merge', 'alice-gh');
    await must(team.apply.pam(['apply']));
    await must(team.erin.pam(['revoke', id, '--reason', 'done', '--yes']));
    // A review, which no other account can delete.
    const reviews = (await world.call('erin', 'GET', `/pulls/${number}/reviews`)) as readonly {
      readonly body: string;
    }[];
    expect(reviews.some(({ body }) => body.includes('type: stop'))).toBe(true);
    expect((await must(team.sweep.pam(['sweep']))).out).toContain('1 revoked.');
  });
});

test('GitHub answers nothing: whoever has an executor at hand ends live access all the same', async () => {
  const { team, hub } = world;
  const ask = [
    'request',
    'bastion-root',
    '--for',
    '30m',
    '--ticket',
    'OPS-5',
    '--reason',
    'to look',
    '--json',
  ];
  const asked = parse((await must(team.erin.pam(ask))).out);
  const id = String(asked['id']);
  const number = numberIn(asked['proposal']);
  await must(team.alice.pam(['approve', number, '--yes']));
  hub.merge(Number(number), 'merge', 'alice-gh');
  await must(team.apply.pam(['apply']));
  hub.hostile('*', '502');
  const hands = {
    PAM_EXECUTOR: 'pam-sweep',
    PAM_EXECUTOR_KEY: team.key('pam-sweep'),
    PAM_KRL: team.targets.krl,
  };
  const ran = await team.alice.pam(['revoke', id, '--reason', 'it is enough', '--yes'], { env: hands });
  hub.honest();
  expect([ran.code, ran.out]).toEqual([3, expect.stringContaining('1 revoked')]);
});

test('one comment on each open proposal, updated in place', async () => {
  const { team } = world;
  const asked = parse(
    (
      await must(
        team.dana.pam([
          'request',
          'bastion-root',
          '--for',
          '5m',
          '--ticket',
          'OPS-4',
          '--reason',
          'to look again',
          '--json',
        ]),
      )
    ).out,
  );
  const number = numberIn(asked['proposal']);
  const comments = async (): Promise<readonly { readonly body: string }[]> =>
    (
      (await world.call('erin', 'GET', `/issues/${number}/comments`)) as readonly { readonly body: string }[]
    ).filter(({ body }) => body.includes('### pam:'));
  await must(team.apply.pam(['check', '--proposal', 'open', '--comment']));
  expect((await comments()).map(({ body }) => body.includes('waits for people'))).toEqual([true]);
  await must(team.alice.pam(['approve', number, '--yes']));
  await must(team.apply.pam(['check', '--proposal', 'open', '--comment']));
  const after = await comments();
  expect(after).toHaveLength(1);
  expect(after[0]?.body).toContain('### pam: approved');
  // The pull request is merged, and the comment goes on to the end of the access.
  const tell = async (): Promise<string> => {
    await must(team.apply.pam(['check', '--proposal', 'open', '--comment']));
    const told = await comments();
    expect(told).toHaveLength(1);
    return told[0]?.body ?? '';
  };
  world.hub.merge(Number(number), 'merge', 'alice-gh');
  await must(team.apply.pam(['apply']));
  expect(await tell()).toMatch(/### pam: granted until \d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC/u);
  const edits = (): number =>
    world.hub.requests.filter(({ operation }) => operation === 'issues/update-comment').length;
  const before = edits();
  // Time alone changes nothing in it.
  team.later(60);
  await tell();
  expect(edits()).toBe(before);
  team.later(10 * 60);
  await must(team.sweep.pam(['sweep']));
  expect(await tell()).toMatch(/### pam: ended/u);
});
