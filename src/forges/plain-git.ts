/** Plain Git as a kind of forge: a remote, or a clone that is alone. It knows no accounts and no pull requests. */
import type { ForgeKind } from './forge-kind.ts';
import { branchesAbout, gitBranches } from './git-branches.ts';

export const plainGit: ForgeKind = {
  kind: 'git',
  title: 'plain Git',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['kind'],
    properties: {
      kind: { type: 'string', const: 'git', description: 'Plain Git: branches carry everything.' },
      remote: { $ref: '#/$defs/remote' },
    },
  },
  accountSchema: null,
  branchesAbout,
  open: async ({ config, ...place }) => await Promise.resolve(gitBranches({ ...place, main: config.main })),
};
