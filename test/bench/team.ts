/**
 * A team that a program made by itself, as people would: `init` on a bare remote, a clone for each, requests. So an
 * earlier program works on a ledger of its own, in its own words.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEYS } from './access.ts';
import { keyNamed } from './keys.ts';
import { APPLY, SWEEP } from './make-history.ts';
import { must, PLACE, type Ran, run } from './measure.ts';

/** Who asks, who approves, who is admin, and the two executors. */
const WORKERS = { dana: 'dev-1', bob: 'bob', alice: 'alice', apply: APPLY, sweep: SWEEP } as const;
export type Worker = keyof typeof WORKERS;

export interface Team {
  readonly bare: string;
  readonly cloneOf: (who: Worker) => string;
  /** What it printed; fails unless it ends with 0. */
  readonly pam: (
    who: Worker,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<Ran>;
  /** Ids of new requests. */
  readonly ask: (count: number) => Promise<readonly string[]>;
  /** From now on every clone speaks to its remote at this URL. */
  readonly moveTo: (url: string) => Promise<void>;
}

function policyOf(config: string): Readonly<Record<string, string>> {
  const keys = (name: string): string => `keys: [{ key: ${keyNamed(name).line} }]`;
  const person = (name: string): string => `  ${name}: { name: ${name}, ${keys(name)} }\n`;
  const executor = (name: string, may: string): string =>
    `  ${name}: { owner: alice, ${keys(name)}, executes: { targets: ["*"], may: [${may}] } }\n`;
  return {
    'pam.yaml':
      'version: 1\nforge: { kind: git, remote: origin }\nmain: main\nledger: pam-ledger\nincidents: { source: file }\n' +
      config,
    'policy/people.yaml': `people:\n${['alice', 'bob', 'dev-1'].map(person).join('')}services:\n${executor(APPLY, 'grant, revoke')}${executor(SWEEP, 'revoke')}groups:\n  leads: [alice, bob]\nadmins: { people: [alice, bob], threshold: 1 }\n`,
    'policy/roles.yaml': `roles:
  web-restart:
    description: Restart the web server
    target: web
    permissions: ["run:root:/usr/bin/systemctl restart nginx"]
    risk: standard
    max_duration: 8h
    requesters: [dev-1]
    approval: [{ approvers: ["@leads"], threshold: 1 }]
`,
    'policy/targets.yaml':
      'targets:\n  web: { provider: sudoers, config: { directory_env: PAM_SUDOERS_DIR } }\n',
  };
}

/**
 * @param program the `bin/pam.js` of one version, which makes everything and is what `pam` runs
 * @param config added to `pam.yaml`
 */
export async function makeTeam(name: string, program: string, config = ''): Promise<Team> {
  const place = join(PLACE, name);
  const bare = join(place, 'access.git');
  const cloneOf = (who: Worker): string => join(place, `clone-${who}`);
  const sudoers = join(PLACE, 'sudoers.d');
  mkdirSync(sudoers, { recursive: true, mode: 0o750 });
  let root = '';
  const pam: Team['pam'] = async (who, args, more = {}) => {
    const key = join(KEYS, WORKERS[who]);
    const executor = who === 'apply' || who === 'sweep';
    const env = {
      XDG_STATE_HOME: join(place, `state-${who}`),
      GIT_CONFIG_NOSYSTEM: '1',
      ...(root === '' ? {} : { PAM_ROOT: root }),
      ...(executor
        ? { PAM_EXECUTOR: WORKERS[who], PAM_EXECUTOR_KEY: key, PAM_SUDOERS_DIR: sudoers }
        : { PAM_PERSON: WORKERS[who], PAM_KEY: key }),
      ...more,
    };
    return await must(run(process.execPath, [program, ...args], { cwd: cloneOf(who), env }));
  };
  mkdirSync(place, { recursive: true });
  await must(run('git', ['init', '-q', '--bare', '--initial-branch=main', bare]));
  for (const [path, text] of Object.entries(policyOf(config))) {
    mkdirSync(join(cloneOf('alice'), path, '..'), { recursive: true });
    writeFileSync(join(cloneOf('alice'), path), text);
  }
  const init = ['init', '--json', '--remote', bare, '--executor', APPLY, '--executor-key', join(KEYS, APPLY)];
  root = (JSON.parse((await pam('alice', init)).out) as { readonly root: string }).root;
  const others = (Object.keys(WORKERS) as Worker[]).filter((who) => who !== 'alice');
  for (const who of others) await must(run('git', ['clone', '-q', bare, cloneOf(who)]));
  return {
    bare,
    cloneOf,
    pam,
    ask: async (count) => {
      const ids: string[] = [];
      for (let at = 0; at < count; at++) {
        const wish = ['request', 'web-restart', '--for', '30m', '--reason', 'nginx hangs', '--json'];
        ids.push((JSON.parse((await pam('dana', wish)).out) as { readonly id: string }).id);
      }
      return ids;
    },
    moveTo: async (url) => {
      for (const who of ['alice', ...others] as const)
        await must(run('git', ['-C', cloneOf(who), 'remote', 'set-url', 'origin', url]));
    },
  };
}
