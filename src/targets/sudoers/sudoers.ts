import type { Provider } from '../../model/target.ts';
import { faultOfUser, parseRule } from './sudoers-rule.ts';

/** One file for each grant in a directory that `sudo` includes; its lines carry their own end. */
export const sudoers: Provider = {
  kind: 'sudoers',
  configSchema: {
    type: 'object',
    properties: {
      directory_env: { type: 'string', pattern: '^[A-Z_][A-Z0-9_]{0,63}$' },
      visudo: { type: 'string', pattern: '^(/([A-Za-z0-9_-][A-Za-z0-9._-]*/)*)?visudo$' },
    },
    required: ['directory_env'],
    additionalProperties: false,
  },
  expiresByItself: () => true,
  objects: 'own',
  needsLoginKey: false,
  checkPermission: (permission) => {
    const rule = parseRule(permission);
    return typeof rule === 'string' ? rule : undefined;
  },
  checkLogin: faultOfUser,
  // The directory is the executor's own: config names a variable, not a machine.
  identity: () => undefined,
  open: async (place) => (await import('./sudoers-session.ts')).sudoersSession(place),
};
