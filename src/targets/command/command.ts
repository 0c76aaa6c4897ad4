import type { Provider } from '../../model/target.ts';
import type { PluginLimits } from './plugin-session.ts';
import { TEXT, VARIABLE } from './plugin-words.ts';

/** Targets that pam does not know itself, through a program of the executor's host. */
export const command: Provider = commandProvider({ timeoutMs: 30_000, maxBytes: 64 * 1024 });

export function commandProvider(limits: PluginLimits): Provider {
  return {
    kind: 'command',
    configSchema: {
      type: 'object',
      properties: {
        plugin: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,39}$' },
        native_expiry: { type: 'boolean' },
        env: { type: 'array', items: { type: 'string', pattern: VARIABLE }, uniqueItems: true, maxItems: 32 },
        options: { type: 'object' },
        identity: { type: 'string', minLength: 1, maxLength: 256 },
      },
      required: ['plugin'],
      additionalProperties: false,
    },
    expiresByItself: (config) => config['native_expiry'] === true,
    objects: 'shared',
    needsLoginKey: false,
    checkPermission: (permission) =>
      TEXT.test(permission) ? undefined : 'a permission is one line of at most 256 visible characters',
    checkLogin: (login) =>
      TEXT.test(login) ? undefined : 'a login is one line of at most 256 visible characters',
    identity: ({ identity }) => (typeof identity === 'string' ? identity : undefined),
    open: async (place) => (await import('./plugin-session.ts')).pluginSession(place, limits),
  };
}
