/**
 * [H] What happens at the forge, against the real program: every attack is on a request of its own, of a team that
 * works on a double of GitHub. Each is judged by `pam check`, then all are merged, and one `pam apply` meets them all.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { githubBench, type GithubBench } from '../cli/github-bench.ts';
import type { Ran } from '../cli/program.ts';
import { type Actor, commitToMain, must } from '../cli/workbench.ts';

const SLOTS = Array.from({ length: 40 }, (_, slot) => `s${slot}`);
const ROLES = `roles:
  slot:
    description: One slot of the legacy system
    target: legacy
    permissions: ["slot:{slot}"]
    scope: { slot: { enum: [${SLOTS.join(', ')}] } }
    risk: standard
    max_duration: 8h
    requesters: ["@engineering"]
    approval: [{ approvers: [alice, bob, carol], threshold: 1 }]
`;

interface Victim {
  readonly id: string;
  readonly number: number;
  readonly slot: string;
}

/** What `check` said, and what is on the ledger about it after `apply`. */
interface Outcome {
  readonly codes: readonly string[];
  readonly exit: number | null;
  readonly events: readonly string[];
  readonly held: boolean;
}

interface Run {
  readonly steps: readonly { readonly action: string; readonly id: string; readonly result: string }[];
}

let at: GithubBench;
const documentOf = ({ out }: Pick<Ran, 'out'>): unknown => JSON.parse(out);
/** Codes of what failed: a reason carries its code also when it holds. */
function failing(ran: Ran): readonly string[] {
  const { issues, reasons } = documentOf(ran) as {
    readonly issues: readonly { readonly code: string }[];
    readonly reasons: readonly { readonly code: string; readonly ok: boolean }[];
  };
  return [...issues, ...reasons.filter(({ ok }) => !ok)].map(({ code }) => code);
}

let taken = 0;
async function request(duration = '6h'): Promise<Victim> {
  const slot = SLOTS[taken++] ?? '';
  const args = [
    'request',
    'slot',
    '--json',
    '--for',
    duration,
    '--reason',
    'to mend it',
    '--scope',
    `slot=${slot}`,
  ];
  const made = documentOf(await must(at.team.dana.pam(args))) as {
    readonly id: string;
    readonly proposal: string;
  };
  return { id: made.id, number: Number(made.proposal.split('/').at(-1)), slot };
}

const approve = async (who: Actor, { id }: Victim): Promise<Ran> =>
  await must(who.pam(['approve', id, '--yes']));

/** The signed block as that person would post it, for whoever got hold of it. */
async function signed(who: Actor, { id }: Victim): Promise<string> {
  const { out } = await must(who.pam(['approve', id, '--print']));
  return `\`\`\`text\n${out}${armored(who.name, 'approval', out)}\`\`\`\n`;
}

const review = async (
  who: string,
  { number }: Victim,
  event: string,
  body = '',
): Promise<{ readonly id: number }> =>
  (await at.call(who, 'POST', `/pulls/${number}/reviews`, { event, body })) as { readonly id: number };
const reviewsOf = async ({
  number,
}: Victim): Promise<readonly { readonly id: number; readonly body: string }[]> =>
  (await at.call('alice', 'GET', `/pulls/${number}/reviews`)) as { id: number; body: string }[];
const held = (): readonly string[] =>
  readdirSync(at.team.targets.legacy)
    .filter((name) => !name.startsWith('.'))
    .map((name) => Buffer.from(name, 'hex').toString())
    .sort();
const holds = ({ slot }: Victim): string => `dana slot:${slot}`;

/** Each of these has nothing else than what its attack leaves it. */
const ATTACKS: Readonly<Record<string, (victim: Victim) => Promise<void>>> = {
  H1: async (victim) => {
    await approve(at.team.alice, victim);
    for (let count = 0; count < 100; count += 1) await review('erin', victim, 'COMMENT', `noise ${count}`);
    await must(at.team.bob.pam(['deny', victim.id, '--reason', 'not tonight', '--yes']));
  },
  H2: async (victim) => {
    await approve(at.team.alice, victim);
    const [only] = await reviewsOf(victim);
    await at.call('erin', 'PUT', `/pulls/${victim.number}/reviews/${only?.id}/dismissals`, { message: 'x' });
  },
  H4: async (victim) => {
    await approve(at.team.alice, victim);
    rewrite(victim);
  },
  H5: async (victim) => {
    await review('ghost', victim, 'APPROVE', await signed(at.team.alice, victim));
  },
  H6: async (victim) => {
    const body = await signed(at.team.alice, victim);
    at.hub.settings.workflow.can_approve_pull_request_reviews = true;
    const token = at.hub.actionsToken({ pull_requests: 'write', metadata: 'read' });
    const answer = await fetch(`${at.hub.url}/repos/acme/access/pulls/${victim.number}/reviews`, {
      method: 'POST',
      headers: { authorization: `token ${token}`, 'user-agent': 'x', 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'APPROVE', body }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  },
  'C4, H7': async (victim) => {
    // Whoever took carol's old login, with a signature of hers.
    await review('carol', victim, 'APPROVE', await signed(at.team.carol, victim));
  },
  H8: async (victim) => {
    await approve(at.team.alice, victim);
    at.hub.later(1);
    await review('alice', victim, 'REQUEST_CHANGES', 'wait, who is that for?');
  },
  H9: async (victim) => {
    // A member of the organization who is nobody in policy.
    await review('member', victim, 'APPROVE', await signed(at.team.alice, victim));
  },
  H17: async (victim) => {
    await at.call('erin', 'POST', `/issues/${victim.number}/labels`, {
      labels: ['pam: approved', 'pam: success'],
    });
    await at.call('erin', 'POST', `/issues/${victim.number}/comments`, { body: 'pam: success' });
  },
  E2: async (victim) => {
    await review('alice', victim, 'APPROVE', 'looks good');
  },
  E16: async (victim) => {
    await approve(at.team.alice, victim);
    const [only] = await reviewsOf(victim);
    await at.call('erin', 'PUT', `/pulls/${victim.number}/reviews/${only?.id}`, { body: 'alice approves' });
  },
  'E16, of somebody else': async (victim) => {
    const body = await signed(at.team.bob, victim);
    await approve(at.team.alice, victim);
    const [only] = await reviewsOf(victim);
    await at.call('erin', 'PUT', `/pulls/${victim.number}/reviews/${only?.id}`, { body });
  },
  'H6, quoted': async (victim) => {
    const body = await signed(at.team.alice, victim);
    await review('alice', victim, 'APPROVE', body.replaceAll(/^/gmu, '> '));
  },
  'H2, as a comment': async (victim) => {
    await review('alice', victim, 'COMMENT', await signed(at.team.alice, victim));
  },
};

/** The requester's own push of other bytes, properly signed, after the approval. */
function rewrite({ id }: Victim): void {
  const { dana } = at.team;
  dana.git('fetch', '-q', 'origin');
  dana.git('checkout', '-q', '--detach', `origin/pam/${id}`);
  const path = `requests/${id.slice(0, 4)}/${id.slice(4, 6)}/${id}.yaml`;
  const text = dana.git('show', `HEAD:${path}`).replace('duration: 6h', 'duration: 8h');
  writeFileSync(join(dana.clone, path), `${text}\n`);
  const digest = createHash('sha256').update(`${text}\n`).digest('hex');
  const [old = ''] = dana.git('show', `HEAD:${path}.sig`).split('-----BEGIN');
  const statement = old.replace(/^request-sha256: .*$/mu, `request-sha256: sha256:${digest}`);
  writeFileSync(join(dana.clone, `${path}.sig`), statement + armored('dana', 'request', statement));
  dana.git('commit', '-qam', 'longer');
  dana.git('push', '-q', 'origin', `HEAD:refs/heads/pam/${id}`);
  dana.git('checkout', '-q', 'main');
}

function armored(who: string, type: string, input: string): string {
  const args = ['-Y', 'sign', '-q', '-f', at.team.key(who), '-n', `pam-${type}-v1@pam`];
  return execFileSync('ssh-keygen', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

const outcomes = new Map<string, Outcome>();
const victims = new Map<string, Victim>();
let live: Victim;
let first: Run;
let goods: Readonly<Record<'early' | 'renamed' | 'crowd', Victim>>;

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>, atOnce = 3): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

beforeAll(async () => {
  at = await githubBench({ roles: ROLES, pinned: true });
  for (const login of ['ghost', 'member']) at.hub.register(`${login}-gh`, { member: login === 'member' });
  const { team, hub } = at;
  live = await request('10m');
  await approve(team.alice, live);
  hub.merge(live.number, 'squash');
  first = documentOf(await must(team.apply.pam(['apply', '--json']))) as Run;
  await inTurns([...Object.keys(ATTACKS), 'early', 'renamed', 'crowd'], async (row) => {
    victims.set(row, await request());
  });
  const of = (row: string): Victim => victims.get(row) ?? live;
  goods = { early: of('early'), renamed: of('renamed'), crowd: of('crowd') };
  // [Z10] carol has a new login; [C4] somebody else takes the old one.
  hub.rename('carol-gh', 'carol-new');
  hub.register('carol-gh');
  // [H18] Merged before anybody signed.
  hub.merge(goods.early.number, 'rebase');
  for (const [row, attack] of Object.entries(ATTACKS)) await attack(of(row));
  hub.deleteAccount('ghost-gh');
  const checkers = [team.bob, team.erin, team.alice];
  await inTurns(Object.keys(ATTACKS), async (row) => {
    const who = checkers.shift() ?? team.bob;
    const ran = await who.pam(['check', '--proposal', of(row).id, '--json']);
    checkers.push(who);
    outcomes.set(row, { codes: failing(ran), exit: ran.code, events: [], held: true });
  });
  for (const row of Object.keys(ATTACKS)) hub.merge(of(row).number, 'squash');
  const ran = await team.apply.pam(['apply', '--json']);
  const { events } = documentOf(await must(team.apply.pam(['log', '--json', '--limit', '1000']))) as {
    readonly events: readonly { readonly type: string; readonly id: string }[];
  };
  for (const [row, outcome] of outcomes) {
    const types = events.filter(({ id }) => id === of(row).id).map(({ type }) => type);
    outcomes.set(row, { ...outcome, events: [...new Set(types)], held: held().includes(holds(of(row))) });
  }
  if (ran.code === 20 || ran.code === 70) throw new Error(`${ran.out}${ran.err}`);
}, 600_000);

afterAll(async () => {
  await at.hub.close();
});

describe('refused, or waiting, and never granted', () => {
  it.each([
    ['[H1] the decisive "no" is the 102nd review', 'H1', 'E_POL_DENIED', 5],
    ['[H2] the approval was dismissed', 'H2', 'E_APR_DISMISSED', 5],
    ['[H4] other bytes than were approved', 'H4', 'E_APR_DIGEST', 5],
    ['[H5] the account that posted it is gone', 'H5', 'E_FORGE_IDENTITY', 5],
    ['[H6] a bot posts a good signature', 'H6', 'E_FORGE_IDENTITY', 5],
    ['[C4, H7] the login was taken by another account', 'C4, H7', 'E_FORGE_IDENTITY', 5],
    ['[H8] approved, then an unsigned request for changes', 'H8', 'E_POL_DENIED', 8],
    ['[H9] a member of the organization who is nobody in policy', 'H9', 'E_FORGE_IDENTITY', 5],
    ['[H17] labels and comments that say "success"', 'H17', 'E_APR_MISSING', 8],
    ['[E2] a click without a signature', 'E2', 'E_APR_UNSIGNED', 5],
    ['[E16] the signature was edited away', 'E16', 'E_APR_UNSIGNED', 5],
    ["[E16] the signature was replaced by somebody else's", 'E16, of somebody else', 'E_FORGE_IDENTITY', 5],
    ['a quoted signature is talk', 'H6, quoted', 'E_APR_UNSIGNED', 5],
    ['a signed approval that was posted as a comment', 'H2, as a comment', 'E_APR_INTENT', 5],
  ])('%s', (_title, row, code, exit) => {
    const outcome = outcomes.get(row);
    expect(outcome?.codes).toContain(code);
    expect(outcome?.exit).toBe(exit);
    expect(outcome?.held).toBe(false);
    expect(['seen', 'refused', 'stopped']).toEqual(
      expect.arrayContaining([...(outcome?.events ?? ['none'])]),
    );
  });
});

describe('what must not be refused', () => {
  it('[H4, H18, Z9, Z10, Z25] signed after it was merged, under a new login, among a hundred others, on another head', async () => {
    const { team, hub } = at;
    const { early, renamed, crowd } = goods;
    // The old login is somebody else now: carol hears it before she signs.
    const wrong = await team.carol.pam(['approve', renamed.id, '--yes', '--json']);
    expect([wrong.code, (documentOf({ out: wrong.err }) as { readonly code: string }).code]).toEqual([
      5,
      'E_FORGE_IDENTITY',
    ]);
    await must(
      team.carol.pam(['approve', renamed.id, '--yes'], {
        env: { GH_ENTERPRISE_TOKEN: hub.token('carol-new') },
      }),
    );
    await approve(team.alice, early);
    await approve(team.alice, crowd);
    for (let count = 0; count < 100; count += 1) await review('erin', crowd, 'COMMENT', `noise ${count}`);
    // The branch is brought up to date: another commit, the same bytes.
    const { dana } = team;
    dana.git('fetch', '-q', 'origin');
    dana.git('checkout', '-q', '--detach', `origin/pam/${crowd.id}`);
    dana.git('merge', '-q', '-m', 'up to date', 'origin/main');
    dana.git('push', '-q', 'origin', `HEAD:refs/heads/pam/${crowd.id}`);
    dana.git('checkout', '-q', 'main');
    hub.merge(renamed.number, 'merge');
    hub.mergeQueue([crowd.number]);
    const { steps } = documentOf(await team.apply.pam(['apply', '--json'])) as Run;
    const granted = steps.filter(({ action, result }) => action === 'grant' && result === 'done');
    expect(granted.map(({ id }) => id).sort()).toEqual([early.id, renamed.id, crowd.id].sort());
    expect(held()).toEqual([live, early, renamed, crowd].map(holds).sort());
  });

  it('[H11] closed, and pushed straight to main: it waits, and is granted once it is signed', async () => {
    const { team } = at;
    const victim = await request();
    const path = `requests/${victim.id.slice(0, 4)}/${victim.id.slice(4, 6)}/${victim.id}.yaml`;
    team.alice.git('fetch', '-q', 'origin');
    const bytes = (file: string): string => `${team.alice.git('show', `origin/pam/${victim.id}:${file}`)}\n`;
    commitToMain(team.alice, { [path]: bytes(path), [`${path}.sig`]: bytes(`${path}.sig`) }, true);
    await at.call('dana', 'PATCH', `/pulls/${victim.number}`, { state: 'closed' });
    expect((await team.apply.pam(['apply', victim.id])).code).toBe(8);
    const before = await team.bob.pam(['check', '--proposal', victim.id, '--json']);
    expect([failing(before), before.code, held().includes(holds(victim))]).toEqual([
      ['E_APR_MISSING'],
      8,
      false,
    ]);
    // GitHub takes no approval of a closed one, so that is said, with what to do.
    const refused = await team.alice.pam(['approve', victim.id, '--yes']);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('reopen it first') });
    await at.call('dana', 'PATCH', `/pulls/${victim.number}`, { state: 'open' });
    await approve(team.alice, victim);
    await must(team.apply.pam(['apply', victim.id]));
    expect(held()).toContain(holds(victim));
  });
});

describe('a forge that lies, or is not there', () => {
  let ready: Victim;
  beforeAll(async () => {
    ready = await request();
    await approve(at.team.alice, ready);
    at.hub.merge(ready.number, 'squash');
  }, 120_000);

  const HOSTILE = [
    ['[H12]', '*', 'html-200', 'E_FORGE_SHAPE'],
    ['[H12]', 'reviews', 'truncated-json', 'E_FORGE_SHAPE'],
    ['[H12]', '*', '502', 'E_FORGE_NETWORK'],
    ['[H12]', '*', 'rate-limited', 'E_FORGE_BUSY'],
    ['[H12]', 'reviews', 'poisoned-304', 'E_FORGE_SHAPE'],
    ['[H12]', 'reviews', 'redirect-to-other-host', 'E_FORGE_REPO'],
    ['[H13]', 'comments', 'moved-repository', 'E_FORGE_REPO'],
    ['[H13]', 'repository', 'other-repository-id', 'E_FORGE_REPO'],
    ['[H1]', 'reviews', 'looping-next', 'E_FORGE_PAGING'],
    ['[H5]', 'reviews', 'wrong-types', 'E_FORGE_SHAPE'],
  ] as const;
  it.each(HOSTILE)('%s %s: %s stops every grant, with %s', async (_rows, operation, trick, code) => {
    const { hub, team } = at;
    const before = held();
    hub.hostile(operation, trick, { seconds: 3600 });
    const ran = await team.apply.pam(['apply']);
    hub.honest();
    expect(ran.out).toContain(`[${code}]`);
    expect([0, 20, 70]).not.toContain(ran.code);
    expect(held()).toEqual(before);
    expect(hub.elsewhere.requests).toEqual([]);
  });

  it('[H15] 5,000 reviews: what nobody can read is not decided, and others go on', async () => {
    const { hub, team } = at;
    hub.hostile('reviews', '5000-reviews');
    const ran = await team.apply.pam(['apply', ready.id]);
    const checked = await team.bob.pam(['check', '--proposal', ready.id, '--json']);
    hub.honest();
    expect([ran.out, ran.code]).toEqual([expect.stringContaining('[E_FORGE_LIMIT]'), 3]);
    expect([checked.out, checked.code]).toEqual([expect.stringContaining('"E_FORGE_LIMIT"'), 8]);
    expect(held()).not.toContain(holds(ready));
  });

  it('[H12] a sweep ends what is due all the same, and what nobody touched is granted afterwards', async () => {
    const { hub, team } = at;
    team.later(11 * 60);
    expect(held()).toContain(holds(live));
    hub.hostile('*', '502');
    const swept = await team.sweep.pam(['sweep']);
    hub.honest();
    expect([0, 3]).toContain(swept.code);
    expect(held()).not.toContain(holds(live));
    await must(team.apply.pam(['apply', ready.id]));
    expect(held()).toContain(holds(ready));
  });

  it('[E17] whatever becomes of the forge, the evidence is in Git', async () => {
    const { hub, team } = at;
    hub.hostile('*', '502');
    team.bob.git('fetch', '-q', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    const audited = await team.bob.pam(['audit', '--json', '--root', team.trustRoot]);
    hub.honest();
    const { ok, findings } = documentOf(audited) as {
      readonly ok: boolean;
      readonly findings: readonly object[];
    };
    expect({ ok, findings: findings.filter((one) => 'severity' in one && one.severity === 'error') }).toEqual(
      {
        ok: true,
        findings: [],
      },
    );
    const entry = team.bob.git('log', '-p', '--format=', 'origin/pam-ledger', '--', 'entry.json');
    const granting = entry
      .split('\n')
      .find((line) => line.startsWith('+') && line.includes(ready.id) && line.includes('"granting"'));
    expect(granting).toContain('signer: alice');
    expect(granting).toContain('BEGIN SSH SIGNATURE');
  });

  it('[H17] no status or check was ever asked for', () => {
    const paths = at.hub.requests.map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(100);
    expect(paths.filter((path) => /status|check-(?:run|suite)/u.test(path))).toEqual([]);
  });

  it('the first grant was one', () => {
    expect(first.steps).toMatchObject([{ action: 'grant', id: live.id, result: 'done' }]);
  });
});
