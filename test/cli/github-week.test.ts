/**
 * A week of GitHub as it was reported, with live grants in it: schedules that come hours late, runs that are cancelled, replaced
 * or not there, a limit that is used up, comments that are deleted, reviews that are dismissed, an account that goes. The
 * shipped workflows run, in the double's order of events (`actions-service.ts` and `test/github` name their sources).
 *
 * What must hold all week: nothing is granted that should not be; what ends by itself ends on time; everything else ends
 * within one dispatch; every stop is carried out.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Event, Hosting } from './actions-runner.ts';
import { ActionsService, type Carried } from './actions-service.ts';
import { listOf, parse } from './expectations.ts';
import { githubBench, type GithubBench } from './github-bench.ts';
import { tempDir } from './program.ts';
import { shipped } from './shipped-workflows.ts';
import { type Actor, ask, commitToMain, must, write } from './workbench.ts';

// A day is a dozen commands and as many as five jobs, each of which begins with a clone.
vi.setConfig({ testTimeout: 480_000, hookTimeout: 300_000 });

const HOUR = 3600;
const PUSH: Event = { name: 'push' };

/** `bastion` ends by itself, since a certificate says how long it is good; `legacy` ends when it is taken away. */
const ROLES = `roles:
  bastion-root:
    description: Root on the bastion
    target: bastion
    permissions: ["principal:root"]
    risk: admin
    max_duration: 8h
    requesters: [dana, erin]
    require: [ticket]
    approval: [{ approvers: [alice, bob], threshold: 1 }]
  publish:
    description: Publish packages
    target: legacy
    permissions: ["publish:packages"]
    risk: standard
    max_duration: 8h
    requesters: [dana, erin]
    approval: [{ approvers: [alice, bob], threshold: 1 }]
`;

let world: GithubBench;
let actions: ActionsService;
let ahead = 0;

beforeAll(async () => {
  world = await githubBench({ roles: ROLES, config: 'sweep_within: 24h\n' });
  const { team, hub } = world;
  const { bundle, files } = await shipped(team.alice);
  commitToMain(team.alice, files, true);
  const secret = (name: string): string => readFileSync(team.key(name), 'utf8').trimEnd();
  const level = (text: string | undefined): 'read' | 'write' => (text === 'write' ? 'write' : 'read');
  const hosting: Hosting = {
    remote: team.bare ?? '',
    vars: { PAM_ROOT: team.trustRoot, PAM_BUNDLE: bundle },
    environments: {
      'pam-apply': {
        vars: { PAM_APPLY_ROOT: team.trustRoot, PAM_APPLY_BUNDLE: bundle },
        secrets: { PAM_EXECUTOR_KEY: secret('pam-apply') },
      },
      'pam-sweep': {
        vars: { PAM_SWEEP_ROOT: team.trustRoot, PAM_SWEEP_BUNDLE: bundle },
        secrets: { PAM_EXECUTOR_KEY: secret('pam-sweep') },
      },
    },
    caches: new Map(),
    ahead: () => ahead,
    token: ({ contents, 'pull-requests': pulls }) =>
      hub.actionsToken({ contents: level(contents), pull_requests: level(pulls), metadata: 'read' }),
  };
  actions = new ActionsService(hosting, hub, 'alice-gh', {
    PAM_CA: team.key('ca'),
    PAM_KRL: team.targets.krl,
    PAM_PLUGIN_DIR: join(team.dir, 'plugins'),
    LEGACY_STATE: team.targets.legacy,
  });
});
afterAll(async () => {
  await world.hub.close();
});

const pass = (seconds: number): void => {
  world.team.later(seconds);
  world.hub.later(seconds);
  ahead += seconds;
};

const outcome = ({ file, ran }: Carried): string => `${file} ${ran?.result ?? 'never'}`;
const results = async (): Promise<readonly string[]> => (await actions.carryOut()).map(outcome).sort();

/** Any call as a person with write; gives the status. */
async function asWriter(login: string, method: string, path: string, body?: object): Promise<number> {
  const answer = await fetch(`${world.hub.url}/repos/acme/access/${path}`, {
    method,
    headers: { 'user-agent': 'gh', authorization: `token ${world.hub.token(`${login}-gh`)}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.status;
}

const dispatch = async (file: string, inputs: object = {}, login: string = 'dana'): Promise<void> => {
  expect(await asWriter(login, 'POST', `actions/workflows/${file}/dispatches`, { ref: 'main', inputs })).toBe(
    204,
  );
};

/** Erin, who has write, cancels whatever has not ended. */
async function cancelAll(): Promise<void> {
  for (const { id } of world.hub.runs.filter(({ status }) => status !== 'completed')) {
    expect(await asWriter('erin', 'POST', `actions/runs/${id}/cancel`)).toBe(202);
  }
}

interface Pulled {
  readonly id: string;
  readonly number: number;
}

async function asked(who: Actor, role: string, duration: string): Promise<Pulled> {
  const { id, proposal } = await ask(who, role, '--for', duration, '--ticket', 'OPS-1');
  // The dispatch that came with it is not what these tests are about, and runs take long.
  await cancelAll();
  await actions.carryOut();
  return { id, number: Number(/\/pull\/(\d+)$/u.exec(proposal)?.[1]) };
}

/** Asked for, approved and merged: the next `apply` may grant it. */
async function due(
  who: Actor,
  role: string,
  duration: string,
  approver: Actor = world.team.alice,
): Promise<Pulled> {
  const pull = await asked(who, role, duration);
  await must(approver.pam(['approve', pull.id, '--yes']));
  world.hub.merge(pull.number, 'squash', 'bob-gh');
  return pull;
}

async function granted(who: Actor, role: string, duration: string): Promise<Pulled> {
  const pull = await due(who, role, duration);
  actions.begin('pam-apply.yml', PUSH);
  expect(await results()).toEqual(['pam-apply.yml success']);
  expect(await state(pull.id)).toBe('live');
  return pull;
}

/** Of its grant; `closed`: it was refused and can no longer be granted. */
async function state(id: string): Promise<string> {
  const ran = await world.team.bob.pam(['status', id, '--json', '--all']);
  if (ran.err.includes('E_ID_UNKNOWN')) return 'closed';
  const told = parse(ran.out);
  return String(listOf(told, 'grants')[0]?.['state']);
}

const atLegacy = (): number =>
  readdirSync(world.team.targets.legacy).filter((name) => !name.startsWith('.')).length;

describe.skipIf(process.platform !== 'linux')('a week', () => {
  test('before it: policy is in force, and a sweep left its trace', async () => {
    actions.begin('pam-apply.yml', PUSH);
    expect(actions.schedule('pam-sweep.yml')).toBe(true);
    expect(await results()).toEqual(['pam-apply.yml success', 'pam-sweep.yml success']);
  });

  test('Monday: schedules are four hours late; a certificate ends on time, and the rest with one dispatch', async () => {
    const { team } = world;
    const certified = await granted(team.dana, 'bastion-root', '1h');
    const held = await granted(team.erin, 'publish', '1h');
    expect(atLegacy()).toBe(1);
    const certificate = join(tempDir(), 'cert.pub');
    writeFileSync(certificate, (await must(team.dana.pam(['status', certified.id, '--certificate']))).out);
    const until = /Valid: from \S+ to (\S+)/u.exec(
      execFileSync('ssh-keygen', ['-L', '-f', certificate], {
        encoding: 'utf8',
        env: { ...team.dana.env, TZ: 'UTC' },
      }),
    )?.[1];
    const from = Date.now() + ahead * 1000;
    expect(Date.parse(`${until ?? ''}Z`) - from).toBeLessThanOrEqual(HOUR * 1000);
    pass(4 * HOUR);
    // GitHub owes eight runs by now. Sshd takes the certificate no more; nobody took away the other one.
    expect(Date.parse(`${until ?? ''}Z`)).toBeLessThan(Date.now() + ahead * 1000);
    expect(atLegacy()).toBe(1);
    await dispatch('pam-sweep.yml');
    expect(await results()).toEqual(['pam-sweep.yml success']);
    expect(atLegacy()).toBe(0);
    expect([await state(certified.id), await state(held.id)]).toEqual(['ended', 'ended']);
    // When the schedule comes, there is nothing left, and nothing is wrong.
    expect(actions.schedule('pam-sweep.yml')).toBe(true);
    expect(await results()).toEqual(['pam-sweep.yml success']);
  });

  test('Tuesday: whom a stop stops blanks its review, deletes comments, cancels the sweep and switches sweeps off; it is carried out', async () => {
    const { team, hub } = world;
    pass(20 * HOUR);
    const { id, number } = await granted(team.erin, 'publish', '8h');
    await must(team.alice.pam(['revoke', id, '--reason', 'the wrong packages', '--yes']));
    interface Posted {
      readonly id: number;
      readonly body: string;
    }
    const posted = async (of: string): Promise<readonly Posted[]> =>
      (await world.call('bob', 'GET', of)) as readonly Posted[];
    const stop = (await posted(`/pulls/${number}/reviews`)).find(({ body }) => body.includes('type: stop'));
    // Nobody deletes a review; whether another account may edit one is not known, so here it may.
    expect(
      await asWriter('erin', 'PUT', `pulls/${number}/reviews/${stop?.id ?? 0}`, { body: 'never mind' }),
    ).toBe(200);
    for (const { id: comment } of await posted(`/issues/${number}/comments`)) {
      expect(await asWriter('erin', 'DELETE', `issues/comments/${comment}`)).toBe(204);
    }
    expect(hub.runs.at(-1)).toMatchObject({ workflow: 'pam-sweep.yml', status: 'queued' });
    actions.admit();
    await cancelAll();
    expect(await asWriter('erin', 'PUT', 'actions/workflows/pam-sweep.yml/disable')).toBe(204);
    expect(await results()).toEqual(['pam-sweep.yml never']);
    pass(4 * HOUR);
    expect(actions.schedule('pam-sweep.yml')).toBe(false);
    expect(atLegacy()).toBe(1);
    // Bob finds it out. Nothing of the stop was at GitHub any more but its branch.
    expect(await asWriter('bob', 'PUT', 'actions/workflows/pam-sweep.yml/enable')).toBe(204);
    await dispatch('pam-sweep.yml', {}, 'bob');
    expect(await results()).toEqual(['pam-sweep.yml success']);
    expect([await state(id), atLegacy()]).toEqual(['ended', 0]);
  });

  test('Wednesday: nothing is left of the limit; stops are carried out all the same, and nothing is granted', async () => {
    const { team, hub } = world;
    pass(20 * HOUR);
    const live = await granted(team.dana, 'publish', '8h');
    const waits = await due(team.erin, 'bastion-root', '1h');
    hub.useUpActions();
    actions.begin('pam-apply.yml', PUSH);
    expect(await results()).toEqual(['pam-apply.yml failure']);
    expect(await state(waits.id)).not.toBe('live');
    await must(team.alice.pam(['revoke', live.id, '--reason', 'enough', '--yes']));
    const [sweep] = await actions.carryOut();
    expect(sweep?.ran?.steps.find(({ name }) => name === 'Sweep')?.out).toContain('1 revoked.');
    expect([await state(live.id), atLegacy()]).toEqual(['ended', 0]);
    pass(HOUR);
    await dispatch('pam-apply.yml');
    expect(await results()).toEqual(['pam-apply.yml success']);
    expect(await state(waits.id)).toBe('live');
  });

  test('Thursday: runs are replaced in line, and a workflow on a branch enters every group', async () => {
    const { team } = world;
    pass(20 * HOUR);
    const { id } = await due(team.dana, 'publish', '1h');
    for (const inputs of [{}, { id }, {}, {}]) await dispatch('pam-apply.yml', inputs);
    actions.admit();
    // One of everything due is under way, one waits, and the one between them was replaced. What dana asked for by id stands apart.
    expect(world.hub.runs.slice(-4).map(({ conclusion }) => conclusion)).toEqual([
      null,
      null,
      'cancelled',
      null,
    ]);
    const { erin } = team;
    erin.git('fetch', '-q', 'origin');
    erin.git('checkout', '-q', '-B', 'mine', 'origin/main');
    for (const group of ['pam-apply-', 'pam-sweep']) {
      const concurrency = `concurrency: { group: ${group}, cancel-in-progress: true }`;
      write(
        erin.clone,
        `.github/workflows/mine-${group.slice(4, 9)}.yml`,
        `on: push\njobs: { mine: { runs-on: ubuntu-24.04, ${concurrency}, steps: [{ run: "true" }] } }\n`,
      );
    }
    erin.git('add', '-A');
    erin.git('commit', '-q', '-m', 'mine');
    erin.git('push', '-q', 'origin', 'HEAD:mine');
    erin.git('checkout', '-q', 'main');
    const push: Event = { name: 'push', ref: 'refs/heads/mine' };
    await dispatch('pam-sweep.yml');
    actions.admit();
    for (const file of ['mine-apply.yml', 'mine-sweep.yml']) actions.begin(file, push);
    const all = await results();
    expect(all).toContain('pam-sweep.yml success');
    // Whatever was ended, the run for the id was not.
    expect(all).toContain('pam-apply.yml success');
    expect(await state(id)).toBe('live');
    pass(HOUR + 60);
    await dispatch('pam-sweep.yml');
    expect(await results()).toEqual(['pam-sweep.yml success']);
    expect([await state(id), atLegacy()]).toEqual(['ended', 0]);
  });

  test('Friday: a denial’s review is dismissed and blanked by its requester; it stays denied', async () => {
    const { team, hub } = world;
    pass(20 * HOUR);
    const { id, number } = await asked(team.erin, 'bastion-root', '8h');
    await must(team.bob.pam(['approve', id, '--yes']));
    await must(team.alice.pam(['deny', id, '--reason', 'not tonight', '--yes']));
    const reviews = (await world.call('bob', 'GET', `/pulls/${number}/reviews`)) as readonly {
      readonly id: number;
      readonly state: string;
    }[];
    const denial = reviews.find((one) => one.state === 'CHANGES_REQUESTED')?.id ?? 0;
    const path = `pulls/${number}/reviews/${denial}`;
    expect(await asWriter('erin', 'PUT', `${path}/dismissals`, { message: 'it is fine' })).toBe(200);
    // Whether GitHub lets others edit a review is not known: here it does.
    expect(await asWriter('erin', 'PUT', path, { body: 'it is fine' })).toBe(200);
    await cancelAll();
    await actions.carryOut();
    hub.merge(number, 'squash', 'bob-gh');
    await dispatch('pam-apply.yml', { id });
    expect(await results()).toEqual(['pam-apply.yml failure']);
    expect(await state(id)).toBe('closed');
  });

  test('Saturday: the account behind the schedules is gone, and with it what it approved; what is live still ends', async () => {
    const { team, hub } = world;
    pass(20 * HOUR);
    const live = await granted(team.dana, 'publish', '2h');
    const open = await asked(team.erin, 'bastion-root', '1h');
    await must(team.alice.pam(['approve', open.id, '--yes']));
    hub.deleteAccount('alice-gh');
    expect(actions.schedule('pam-sweep.yml')).toBe(false);
    hub.merge(open.number, 'squash', 'bob-gh');
    await dispatch('pam-apply.yml', { id: open.id });
    expect(await results()).toEqual(['pam-apply.yml failure']);
    expect(await state(open.id)).not.toBe('live');
    pass(2 * HOUR + 60);
    await dispatch('pam-sweep.yml');
    expect(await results()).toEqual(['pam-sweep.yml success']);
    expect([await state(live.id), atLegacy()]).toEqual(['ended', 0]);
  });

  test('Sunday: the ledger says all of it, and anybody can prove that', async () => {
    const { team } = world;
    pass(20 * HOUR);
    team.carol.git('fetch', '-q', 'origin', '+refs/heads/pam-ledger:refs/remotes/origin/pam-ledger');
    expect((await must(team.carol.pam(['audit', '--root', team.trustRoot]))).out).toMatch(/^verified/u);
    const told = parse((await must(team.carol.pam(['status', '--json']))).out);
    expect(listOf(told, 'grants').filter(({ state: now }) => now === 'live')).toEqual([]);
    expect(atLegacy()).toBe(0);
  });
});
