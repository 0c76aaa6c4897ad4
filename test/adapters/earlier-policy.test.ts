/** A policy in force that an earlier build believed, with settings that this one does not obey: the real flows under it. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPolicy } from '../../src/documents/policy-files.ts';
import { appendEntry } from '../../src/flows/ledger/append-entry.ts';
import { checkPolicy } from '../../src/flows/people/check-policy.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { lookAtPolicy } from '../../src/flows/doctor/look-at-policy.ts';
import { ratifiable } from '../../src/flows/people/ratify-policy.ts';
import { policyPosting } from '../../src/flows/gather/policy-on-main.ts';
import { policyFilesOf } from '../../src/flows/ledger/walk/ledger-files.ts';
import { type LedgerView, readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { BEGIN, makeWorld, type World } from '../crash/access-repository.ts';
import { tempDir } from './git-workbench.ts';

const minutes = (count: number) => plus(BEGIN, count * 60);
const codesOf = ({ troubles }: RunResult): readonly string[] => troubles.map(({ code }) => code);
const NOTIFY = 'notify: [{ kind: slack, url_env: PAM_SLACK_URL, on: [granted] }]\n';

/** `pam.yaml` of these worlds is JSON, so a line of YAML takes its place. */
const pamYaml = (more = ''): Readonly<Record<string, string>> => ({
  'pam.yaml': `version: 1\nforge: { kind: git }\nopen_requests: 500\n${more}`,
});

/** The files of main, and alice's signature on them as the next version. */
async function signedByAlice(desk: Desk, { state }: LedgerView, world: World) {
  const main = await desk.repository.resolve('refs/heads/main');
  if (main === undefined) throw new Error('there is no main');
  const files = await policyFilesOf(desk.repository, main);
  const digest = treeDigest(files);
  const seq = (state.index.beats?.policy.seq ?? 0) + 1;
  const text = printStatement({
    type: 'policy',
    root: state.root,
    signer: 'alice',
    signedAt: world.now,
    seq,
    policySha256: digest,
    previousSha256: state.policy.digest,
  });
  const armor = await desk.sign(text, STATEMENT_KINDS.policy.namespace, join(world.home, 'keys', 'alice'));
  return { files, digest, seq, signed: { text, armor } };
}

/** Signed by its admin, recorded by an executor: as the build of commit 69f70fb did with what main holds. */
async function believe(world: World): Promise<void> {
  const desk = await world.desk();
  const executor = world.executor();
  await appendEntry(desk, executor, await readLedger(desk, executor), async (view) => {
    const { files, digest, seq, signed } = await signedByAlice(desk, view, world);
    return {
      events: [{ type: 'policy', id: '-', seq, digest, statements: [signed] }],
      brings: { policy: readPolicy(files, digest, desk.providers), files },
    };
  });
}

let template: { readonly world: World; readonly live: RequestId; readonly waits: RequestId };
beforeAll(async () => {
  const world = await makeWorld(join(tempDir(), 'world'));
  const live = await world.ask({ role: 'reader', duration: '30m' });
  await world.apply();
  const waits = await world.ask({ role: 'slot', scope: { slot: 's1' } });
  world.commitToMain(pamYaml(NOTIFY));
  await believe(world);
  template = { world, live, waits };
}, 120_000);

const earlier = () => ({ ...template, world: template.world.copy(join(tempDir(), 'world')) });

describe('[X61] a policy in force that an earlier build believed', { timeout: 120_000 }, () => {
  it('grants stop with the reason, sweeps and audit go on', async () => {
    const { world, live, waits } = earlier();
    const applied = await world.apply();
    expect(codesOf(applied)).toEqual(['E_POL_UNBUILT']);
    expect(applied.troubles[0]?.message).toContain('notify in pam.yaml');
    expect(applied.waiting).toMatchObject([{ id: waits, decision: { verdict: 'pending' } }]);
    expect(world.held()).toEqual(['north dana read']);
    world.now = minutes(30);
    const swept = await world.sweep({ executor: 'pam-sweep' });
    expect([exitOfRun(swept), codesOf(swept)]).toEqual([0, []]);
    expect((await world.record(live)).state).toBe('ended');
    expect(world.held()).toEqual([]);
    const { ok, findings } = await world.audit();
    expect({ ok, findings: findings.map(({ code }) => code) }).toEqual({
      ok: true,
      findings: ['W_POL_UNBUILT'],
    });
  });

  it('doctor and every command that reads the ledger say so', async () => {
    const { world } = earlier();
    await world.records();
    expect(world.notes.join('\n')).toMatch(/no grants for now: .*notify in pam\.yaml.*\[E_POL_UNBUILT\]/u);
    const desk = await world.desk();
    const checks = await lookAtPolicy(desk, await readLedger(desk, null), world.now);
    expect(checks.filter(({ code }) => code === 'E_POL_UNBUILT')).toMatchObject([{ state: 'problem' }]);
  });

  it('a policy without the setting is signed and in force, and what waited is granted', async () => {
    const { world, waits } = earlier();
    world.commitToMain(pamYaml());
    await world.ratify();
    expect(codesOf(await world.apply())).toEqual([]);
    expect((await world.record(waits)).state).toBe('live');
    expect(await world.audit()).toMatchObject({ ok: true, findings: [] });
  });
});

describe('[X60] a policy with such a setting on main', { timeout: 120_000 }, () => {
  it('is refused by check, not shown for signing, and not recorded although enough admins signed it', async () => {
    const { world } = earlier();
    world.commitToMain(pamYaml(`${NOTIFY}main: main\n`));
    const desk = await world.desk();
    const refusal = {
      code: 'E_POL_UNBUILT',
      exit: 4,
      issues: [{ file: 'pam.yaml', line: 4, col: 1, path: '/notify' }],
    };
    expect((await checkPolicy(desk)).issues).toMatchObject([{ code: refusal.code, ...refusal.issues[0] }]);
    await expect(ratifiable(desk)).rejects.toMatchObject(refusal);
    const view = await readLedger(desk, world.executor());
    const { seq, signed } = await signedByAlice(desk, view, world);
    const forge = await desk.forge(view.state.policy.config);
    await forge.publish(policyPosting(seq, null, signed, 'alice'));
    world.notes.length = 0;
    const swept = await world.sweep({ executor: 'pam-sweep' });
    expect(swept.steps).toEqual([]);
    expect(world.notes.join('\n')).toMatch(/policy 3 is signed and does not come into force: .*notify/u);
    expect((await world.apply()).troubles.map(({ code }) => code)).toContain('E_POL_UNSIGNED');
    expect((await world.events()).filter(({ type }) => type === 'policy')).toHaveLength(2);
  });
});
