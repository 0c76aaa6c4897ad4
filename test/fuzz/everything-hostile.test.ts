/**
 * Everything that others can push or answer is hostile at the same time: ledger, main, statements, revocation lists,
 * the sweeper's own clone, GitHub, a plugin, the clock of the one who signs a stop. The real program sweeps.
 */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { isJson, type Json, listOf, parse } from '../cli/expectations.ts';
import { githubBench } from '../cli/github-bench.ts';
import { keeper } from '../cli/interrupting.ts';
import { type Actor, approved, bench, type Bench, must } from '../cli/workbench.ts';
import type { HostileName } from '../github/hostile.ts';
import { linesOf, OBJECTS, PLACES, plantAll } from './hostile-places.ts';
import { writeRef } from './loose-objects.ts';

const ROLES = `roles:
  bastion-root:
    description: Root on the bastion
    target: bastion
    permissions: ["principal:root"]
    risk: admin
    max_duration: 1h
    requesters: [dana, erin]
    approval: [{ approvers: [alice, bob], threshold: 1 }]
  web-restart:
    description: Restart the web server
    target: web-sudo
    permissions: ["run:root:/usr/bin/systemctl restart nginx"]
    risk: standard
    max_duration: 8h
    requesters: [dana]
    approval: [{ approvers: [alice, bob], threshold: 1 }]
  legacy-read:
    description: Read the legacy system
    target: legacy
    permissions: ["read:all"]
    risk: standard
    max_duration: 1h
    requesters: [dana]
    approval: [{ approvers: [alice, bob], threshold: 1 }]
`;

interface Scene {
  readonly team: Bench;
  /** Gives the request of that id to a target. */
  readonly approve: (id: string, proposal: unknown) => Promise<void>;
  readonly ids: Record<'due' | 'stopped' | 'live' | 'plugin', string>;
}

/** Four grants: two that are past their end by now, one with a signed stop, one that runs on. */
async function lay(team: Bench, approve: Scene['approve']): Promise<Scene> {
  const ask = async (who: Actor, role: string, duration: string): Promise<string> => {
    const wish = ['request', role, '--for', duration, '--reason', 'to mend it', '--json'];
    const asked = parse((await must(who.pam(wish))).out);
    const id = String(asked['id']);
    await approve(id, asked['proposal']);
    return id;
  };
  const ids = {
    due: await ask(team.dana, 'bastion-root', '10m'),
    stopped: await ask(team.erin, 'bastion-root', '1h'),
    live: await ask(team.dana, 'web-restart', '8h'),
    plugin: await ask(team.dana, 'legacy-read', '10m'),
  };
  await must(team.apply.pam(['apply']));
  await must(team.sweep.pam(['sweep']));
  // Its signer's clock is far ahead.
  await must(team.erin.pam(['revoke', ids.stopped, '--reason', 'done', '--yes'], { ahead: 40 * 60 }));
  const scene = { team, approve, ids };
  makeHostile(scene);
  team.later(11 * 60);
  return scene;
}

function makeHostile({ team, ids }: Scene): void {
  const remote = team.bare ?? '';
  const bare = (...args: readonly string[]): string => team.alice.git('--git-dir', remote, ...args);
  const makers = [...OBJECTS].filter(([name]) => isTaken(team, name));
  for (const place of PLACES) plantAll({ remote, git: team.alice.git }, place, makers, ids.stopped);
  const genesis = bare('rev-list', '--max-parents=0', 'pam-ledger').split('\n').at(-1) ?? '';
  const again = bare('commit-tree', '-m', 'again', `${genesis}^{tree}`);
  const merged = bare('commit-tree', '-p', 'pam-ledger', '-p', again, '-m', 'x', 'pam-ledger^{tree}');
  writeRef(remote, 'refs/heads/pam-ledger', merged);
  for (let at = 0; at < 300; at += 1) {
    writeRef(remote, `refs/heads/pam-statements/${ids.due}.${String(at).padStart(16, 'f')}`, again);
  }
  // A branch that is a blob.
  writeRef(remote, 'refs/heads/pam/x', bare('rev-parse', 'main:policy/roles.yaml'));
  const { clone } = team.sweep;
  rmSync(join(clone, 'pam.yaml'));
  symlinkSync('/dev/zero', join(clone, 'pam.yaml'));
  writeFileSync(join(clone, '.git/refs/heads/junk'), '\0\0\n');
  rmSync(join(clone, '.git/refs/remotes'), { recursive: true, force: true });
  writeFileSync(join(team.targets.legacy, 'says'), '\u001b]0;x\u0007\ud800"\n'.repeat(1000));
}

/** Whether a server takes a push of it: it looks at all that a commit leads to. Others would end its own fetches. */
function isTaken({ alice, bare }: Bench, name: string): boolean {
  const gitDir = bare ?? '';
  const tip = alice.git('--git-dir', gitDir, 'rev-parse', 'pam-ledger');
  const lines = linesOf(alice, gitDir, tip);
  const made = OBJECTS.get(name)?.({ gitDir, lines, parents: [tip] }) ?? '';
  try {
    alice.git('--git-dir', gitDir, 'rev-list', '--objects', '--quiet', made);
    // A ledger whose newest commit has no parents is another ledger.
    return name !== 'no parents';
  } catch {
    return false;
  }
}

/** Which grants a sweep ended, by their names in the scene, and what it said. */
async function swept({ team, ids }: Scene): Promise<Json> {
  const ran = await team.sweep.pam(['sweep', '--json']);
  const told = parse(ran.out);
  const done = listOf(told, 'steps').filter(({ action, result }) => action === 'revoke' && result === 'done');
  const names = Object.entries(ids).filter(([, id]) => done.some((step) => step['id'] === id));
  const codes = [...new Set(listOf(told, 'troubles').map((one) => String(one['code'])))].sort();
  // Long work shows how far it is.
  const err = ran.err.replace(/^(?:revoking|verified) .* \.\.\.\n/gmu, '');
  return { code: ran.code, err, ended: names.map(([name]) => name).sort(), codes };
}

async function statesOf({ team, ids }: Scene): Promise<Json> {
  const states: Record<string, unknown> = {};
  for (const [name, id] of Object.entries(ids)) {
    const shown: unknown = JSON.parse((await must(team.bob.pam(['show', id, '--json']))).out);
    states[name] = isJson(shown) ? shown['state'] : undefined;
  }
  return states;
}

/** Far above what it takes on a busy machine. */
const LONGEST_MS = 400_000;
const AT_MOST = { due: 'ended', stopped: 'ended', live: 'live', plugin: 'ended' };

describe('[X90] everything hostile at once', () => {
  test(
    'where branches carry statements: what is due and what is stopped ends; audit ends, with the junk as its finding',
    async () => {
      const team = await bench({ remote: true, roles: ROLES });
      const scene = await lay(team, async (id) => void (await approved(team, id)));
      expect(await swept(scene)).toEqual({
        code: 20,
        err: '',
        ended: ['due', 'plugin', 'stopped'],
        codes: ['E_LED_JUNK'],
      });
      expect(await statesOf(scene)).toEqual(AT_MOST);
      team.bob.git('fetch', '-q', 'origin', '+refs/heads/pam-ledger:refs/remotes/origin/pam-ledger');
      const audited = await team.bob.pam(['audit', '--json', '--root', team.trustRoot]);
      const findings = listOf(parse(audited.out), 'findings');
      expect([audited.code, [...new Set(findings.map(({ code }) => code))]]).toEqual([0, ['W_LED_JUNK']]);
    },
    LONGEST_MS,
  );

  describe('and GitHub', () => {
    let scene: Scene;
    let restore: () => void;
    let play: (trick: HostileName) => void;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const { team, hub } = await githubBench({ roles: ROLES });
      close = hub.close;
      play = (trick) => {
        hub.honest();
        hub.hostile('*', trick);
      };
      scene = await lay(team, async (_, proposal) => {
        const number = /\/pull\/(\d+)/u.exec(JSON.stringify(proposal))?.[1] ?? '';
        await must(team.bob.pam(['approve', number, '--yes']));
        hub.merge(Number(number), 'merge', 'bob-gh');
      });
      restore = keeper(team);
      return close;
    }, LONGEST_MS);

    test(
      'as it should be: the stop counts',
      async () => {
        expect(await swept(scene)).toMatchObject({ code: 20, ended: ['due', 'plugin', 'stopped'] });
        expect(await statesOf(scene)).toEqual(AT_MOST);
      },
      LONGEST_MS,
    );

    test.each([
      ['slow', 'E_FORGE_NETWORK'],
      ['wrong-types', 'E_FORGE_SHAPE'],
      ['looping-next', 'E_FORGE_PAGING'],
    ] as const)(
      '%s: what is due ends, and what could not be read is told',
      async (trick, code) => {
        restore();
        play(trick);
        expect(await swept(scene)).toMatchObject({
          code: 20,
          err: '',
          // The stop is a branch, too.
          ended: ['due', 'plugin', 'stopped'],
          codes: expect.arrayContaining([code]) as unknown,
        });
      },
      LONGEST_MS,
    );
  });
});
