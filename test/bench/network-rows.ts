/** What commands say to a remote that is far away or full of other people's branches, and which programs they start. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { earlierPam, farRemote } from './far-remote.ts';
import { git } from './access.ts';
import { interleave, must, PAM, PLACE, run } from './measure.ts';
import { ms, type Row, type Scale } from './report.ts';
import { makeTeam, type Team, type Worker } from './team.ts';

/** The build that the goals are told against. */
const EARLIER = '69f70fb';
const DELAY_SECONDS = 0.3;

const unmeasured = (name: string, job: string, goal: string, why: string): Row => ({
  name,
  job,
  figure: 'not measured',
  against: why,
  ratio: null,
  goal,
  met: null,
  peak: null,
  numbers: {},
});

const FAR: readonly (readonly [name: string, who: Worker, words: string, goal: number])[] = [
  ['far-status', 'alice', 'status', 3.5],
  ['far-show', 'alice', 'show', 3.5],
  ['far-approve', 'bob', 'approve', 2.8],
  ['far-sweep', 'sweep', 'sweep', 1 / 1.05],
];

const farJob = (words: string): string =>
  `\`pam ${words}\` over ssh, ${DELAY_SECONDS * 1000} ms a connection${words === 'sweep' ? ', nothing to do' : ''}`;

const farGoal = (goal: number): string =>
  goal < 1 ? `<= 1.05x of ${EARLIER}` : `>= ${goal}x faster than ${EARLIER}`;

export async function farRows({ rounds }: Scale): Promise<readonly Row[]> {
  const far = await farRemote(DELAY_SECONDS);
  const earlier = far === undefined ? undefined : await earlierPam(EARLIER);
  if (far === undefined || earlier === undefined) {
    const why = far === undefined ? 'no sshd answers here' : `this clone lacks commit ${EARLIER}`;
    return FAR.map(([name, , words, goal]) => unmeasured(name, farJob(words), farGoal(goal), why));
  }
  const sides: { readonly team: Team; readonly ids: readonly string[] }[] = [];
  for (const [name, program] of [
    ['team-now', PAM],
    ['team-earlier', earlier],
  ] as const) {
    const team = await makeTeam(name, program);
    // Each approval is of one that waits; one more, since the first round only warms caches.
    const ids = await team.ask(rounds + 1);
    await team.moveTo(far.urlOf(team.bare));
    // What is new to a machine is no idle run: executors see the requests, people read what the executors wrote.
    await team.pam('apply', ['apply'], far.env);
    for (const who of ['alice', 'bob'] as const) await team.pam(who, ['status'], far.env);
    await team.pam('sweep', ['sweep'], far.env);
    sides.push({ team, ids });
  }
  const rows: Row[] = [];
  for (const [name, who, words, goal] of FAR) {
    const jobs = sides.map(({ team, ids }) => {
      let round = 0;
      return async (): Promise<number> => {
        const id = ids[round++ % ids.length] ?? '';
        const more = words === 'show' ? [id] : words === 'approve' ? [id, '--yes'] : [];
        return (await team.pam(who, [words, ...more], far.env)).ms;
      };
    });
    const [now = Number.NaN, before = Number.NaN] = await interleave(rounds, jobs);
    rows.push({
      name,
      job: farJob(words),
      figure: ms(now),
      against: `${EARLIER}: ${ms(before)}`,
      ratio: before / now,
      goal: farGoal(goal),
      met: before / now >= goal,
      peak: null,
      numbers: { now_ms: now, earlier_ms: before },
    });
  }
  far.stop();
  return rows;
}

/** A `git` in front of the real one that writes down its first word, and what it reads of the remote's refs. */
async function listening(): Promise<{
  readonly env: Readonly<Record<string, string>>;
  readonly heard: () => {
    readonly started: readonly string[];
    readonly refLines: Readonly<Record<string, number>>;
  };
}> {
  const dir = join(PLACE, 'listening');
  mkdirSync(dir, { recursive: true });
  const [words, packets] = [join(dir, 'words'), join(dir, 'packets')];
  const real = (await must(run('sh', ['-c', 'command -v git']))).out.trim();
  const first = 'for word; do case $word in --no-pager|-c|*=*) ;; *) break;; esac; done';
  const script = `#!/bin/sh\n${first}\necho $word >>'${words}'\nGIT_TRACE_PACKET='${packets}' exec ${real} "$@"\n`;
  writeFileSync(join(dir, 'git'), script);
  chmodSync(join(dir, 'git'), 0o755);
  for (const file of [words, packets]) writeFileSync(file, '');
  return {
    env: { PATH: `${dir}:${process.env['PATH'] ?? ''}` },
    heard: () => {
      const started = readFileSync(words, 'utf8')
        .split('\n')
        .filter((word) => word !== '');
      const lines = [
        ...readFileSync(packets, 'utf8').matchAll(
          / packet: +(fetch|ls-remote|push)< [0-9a-f]{40,64} refs\//gu,
        ),
      ];
      const refLines: Record<string, number> = {};
      for (const [, word = ''] of lines) refLines[word] = (refLines[word] ?? 0) + 1;
      for (const file of [words, packets]) writeFileSync(file, '');
      return { started, refLines };
    },
  };
}

const count = (words: readonly string[], ...some: readonly string[]): number =>
  words.filter((word) => some.includes(word)).length;

/** Beside so many branches that are nothing to pam. */
export async function conversationsRow({ foreign }: Scale): Promise<Row> {
  const team = await makeTeam('team-crowded', PAM);
  const [id = ''] = await team.ask(1);
  await team.moveTo(`file://${team.bare}`);
  const main = await git(team.bare, 'rev-parse', 'refs/heads/main');
  const lines = Array.from({ length: foreign }, (_, at) => `create refs/heads/foreign/${at} ${main}\n`);
  await must(run('git', ['-C', team.bare, 'update-ref', '--stdin'], { input: lines.join('') }));
  await git(team.bare, 'pack-refs', '--all');
  const { env, heard } = await listening();
  for (const who of ['alice', 'bob', 'sweep'] as const)
    await team.pam(who, [who === 'sweep' ? 'sweep' : 'status'], env);
  heard();
  const told: string[] = [];
  const numbers: Record<string, number> = { foreign };
  let [most, fetches, pushed] = [0, 0, 0];
  for (const [who, ...args] of [
    ['alice', 'status'],
    ['alice', 'show', id],
    ['bob', 'approve', id, '--yes'],
    ['sweep', 'sweep'],
  ] as const) {
    await team.pam(who, args, env);
    const { started, refLines } = heard();
    const read = (refLines['fetch'] ?? 0) + (refLines['ls-remote'] ?? 0);
    const pushes = count(started, 'push');
    most = Math.max(most, read);
    fetches = Math.max(fetches, count(started, 'fetch', 'ls-remote'));
    pushed = Math.max(pushed, refLines['push'] ?? 0);
    told.push(`${args[0]} 1${pushes === 0 ? '' : '+push'}: ${read}`);
    numbers[`${args[0]}_ref_lines`] = read;
  }
  numbers['push_ref_lines'] = pushed;
  return {
    name: 'conversations',
    job: `ref lines read beside ${foreign} foreign branches, one fetch a command`,
    figure: `${most} at most`,
    against: `${told.join(', ')}; a push is told of all ${pushed}: its protocol has no prefixes`,
    ratio: null,
    goal: 'one fetch, <= 50 lines',
    met: most <= 50 && fetches === 1,
    peak: null,
    numbers,
  };
}

/** Programs of git that a command starts which asks no remote. */
export async function offlineRows({ rounds, proposals }: Scale): Promise<readonly Row[]> {
  const team = await makeTeam('team-offline', PAM, 'open_requests: 1000\n');
  const [id = ''] = await team.ask(1);
  await team.pam('apply', ['apply']);
  await team.pam('alice', ['status']);
  const { env, heard } = await listening();
  const rows: Row[] = [];
  for (const [name, args] of [
    ['offline-status', ['status', '--offline']],
    ['offline-show', ['show', '--offline', id]],
  ] as const) {
    heard();
    await team.pam('alice', args, env);
    const { started } = heard();
    const [floor = Number.NaN, took = Number.NaN] = await interleave(rounds * 4, [
      async () => (await must(run(process.execPath, ['-e', '0']))).ms,
      async () => (await team.pam('alice', args)).ms,
    ]);
    const least = await must(
      run(process.execPath, ['-e', `require('node:child_process').spawnSync('git', ['--version'])`]),
    );
    rows.push({
      name,
      job: `\`pam ${args[0]} --offline\`, one request waits`,
      figure: ms(took),
      against: `node -e 0: ${ms(floor)}; node that starts one git: ${ms(least.ms)}; git: ${started.join(', ')}`,
      ratio: took / floor,
      goal: '<= 3.2x, one git',
      met: took / floor <= 3.2 && started.length <= 1,
      peak: null,
      numbers: { pam_ms: took, node_ms: floor, gits: started.length },
    });
  }
  return [...rows, await proposalsRow(team, proposals, { env, heard })];
}

/** Proposals that left main at different commits, since on one commit they would be told by it alone. */
async function proposalsRow(
  team: Team,
  many: number,
  { env, heard }: Awaited<ReturnType<typeof listening>>,
): Promise<Row> {
  const ids = await team.ask(many);
  for (const id of ids.slice(0, 2)) {
    await team.pam('bob', ['approve', id, '--yes']);
    await team.pam('alice', ['merge', id]);
  }
  await team.pam('alice', ['status']);
  heard();
  const { out } = await team.pam('alice', ['status', '--offline', '--json'], env);
  const { started } = heard();
  const { proposals } = JSON.parse(out) as { readonly proposals: readonly unknown[] };
  if (proposals.length < many - 2) throw new Error(`status tells ${proposals.length} of ${many} proposals`);
  return {
    name: 'offline-proposals',
    job: `\`pam status --offline\`, ${proposals.length} requests wait`,
    figure: `${started.length} git processes`,
    against: started.join(', '),
    ratio: null,
    goal: '<= 2 git processes',
    met: started.length <= 2,
    peak: null,
    numbers: { gits: started.length, proposals: proposals.length },
  };
}
