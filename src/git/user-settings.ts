import { run } from '../process/run.ts';
import { baseEnvironment, type Environment } from './sealed.ts';

/** A setting of the person's own global Git configuration; never of a clone. */
export async function userSetting(name: string, env: Environment): Promise<string | undefined> {
  const home = env['HOME'] === undefined ? {} : { HOME: env['HOME'] };
  const xdg = env['XDG_CONFIG_HOME'] === undefined ? {} : { XDG_CONFIG_HOME: env['XDG_CONFIG_HOME'] };
  const { code, stdout } = await run('git', ['config', '--global', '--get', name], {
    env: { ...baseEnvironment(env), ...home, ...xdg },
    timeoutMs: 10_000,
    maxBytes: 64 * 1024,
  });
  const value = stdout.toString('utf8').trim();
  return code === 0 && value !== '' ? value : undefined;
}
