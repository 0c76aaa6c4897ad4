/** GitHub as a kind of forge. Nothing of its API is loaded until a forge is opened. */
import type { ForgeKind } from '../forge-kind.ts';
import { gitBranches, statementsAbout } from '../git-branches.ts';

interface Config {
  /** `owner/name` */
  readonly repository: string;
  /** The repository's number: the name may change hands, the number cannot. */
  readonly id?: number;
}

export const github: ForgeKind = {
  kind: 'github',
  title: 'GitHub',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['kind', 'repository'],
    properties: {
      kind: { type: 'string', const: 'github', description: 'Pull requests and reviews on GitHub.' },
      repository: { $ref: '#/$defs/repository' },
      id: {
        type: 'integer',
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          "The repository's number, as GitHub's API gives it: another repository under the same name is refused.",
      },
      remote: { $ref: '#/$defs/remote', default: 'origin' },
    },
  },
  accountSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['login', 'id'],
    description: 'The numeric id is the identity; the login may change.',
    properties: {
      login: {
        type: 'string',
        pattern: '^[A-Za-z0-9](-?[A-Za-z0-9])*(_[A-Za-z0-9]+)?$',
        maxLength: 50,
      },
      id: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    },
  },
  summaryVariable: 'GITHUB_STEP_SUMMARY',
  branchesAbout: statementsAbout,
  open: async ({ config, remote, offline, env, door, once, ...place }) => {
    const { forge, main, ledger } = config;
    // Without a network a pull request is the branch that this clone saw.
    if (offline || remote === undefined)
      return {
        ...gitBranches({ ...place, main, ...(remote === undefined ? {} : { remote }) }),
        kind: 'github',
      };
    const [{ openGitHub }, { throughDoor }, { pullRequests }, { githubPort }, { settingsOf }] =
      await Promise.all([
        import('../../github/api.ts'),
        import('../../github/through-door.ts'),
        import('../pulls/pull-requests.ts'),
        import('./github-port.ts'),
        import('./settings.ts'),
      ]);
    // Its schema says so.
    const { repository: path, id } = forge as unknown as Config;
    const [owner = '', name = ''] = path.split('/');
    const conversation = once(`github ${path} ${id ?? ''}`, () =>
      throughDoor(openGitHub({ owner, name, id }, env), door),
    );
    return {
      ...pullRequests({
        ...place,
        port: githubPort({ github: conversation, main, note: place.note }),
        remote,
        main,
      }),
      settings: async (sweeps) => await settingsOf(conversation, { main, ledger, now: place.now(), sweeps }),
      planSettings: async (wanted) => {
        const { planSettings } = await import('./plan-settings.ts');
        return await planSettings(conversation, { main, ledger }, wanted);
      },
    };
  },
  lookAtMain: async (repository, main, readYaml, env) =>
    await (await import('./look-at-main.ts')).lookAtMain(repository, main, readYaml, env),
};
