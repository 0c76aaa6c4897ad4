import { Interrupted, PamError } from '../../model/error.ts';
import type { Inspection, Order, TargetPlace, TargetSession } from '../../model/target.ts';
import { type RunResult, run } from '../../process/run.ts';
import { codeOf, configText, faultsOf, timeLimitMs } from '../place.ts';
import { type PluginAnswer, parseAnswer, shown } from './plugin-answer.ts';
import { pluginPath } from './plugin-path.ts';

import { TEXT, VARIABLE } from './plugin-words.ts';

export interface PluginLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export function pluginSession(place: TargetPlace, limits: PluginLimits): TargetSession {
  return {
    verifyIdentity: async () => {
      await pluginPath(place.env['PAM_PLUGIN_DIR'], pluginOf(place));
    },
    grant: async (order) => {
      refuseBadNames(order);
      const answer = await ask(place, limits, 'grant', order);
      if (answer.state === 'absent') throw contradiction(answer, 'still absent after granting');
      return { handle: answer.handle, ...(answer.message === '' ? {} : { message: answer.message }) };
    },
    revoke: async (order) => {
      const answer = await ask(place, limits, 'revoke', order);
      if (answer.state === 'present') throw contradiction(answer, 'still present after revoking');
    },
    inspect: async (order) => await inspect(place, limits, order),
    examine: async () => await faultsOf(namesOf(place).map((name) => async () => valueIn(place, name))),
  };
}

/**
 * One question for each permission: a plugin has one word for all that it is asked about, and what counts as there
 * before pam came is never revoked.
 */
async function inspect(place: TargetPlace, limits: PluginLimits, order: Order): Promise<Inspection> {
  const which: string[] = [];
  for (const permission of order.permissions) {
    const answer = await ask(place, limits, 'inspect', { ...order, permissions: [permission] });
    if (answer.state === 'unknown')
      return { state: 'unknown', why: answer.message || 'the plugin cannot say' };
    if (answer.state === 'present') which.push(permission);
  }
  return which.length === 0 ? { state: 'absent' } : { state: 'present', which };
}

function refuseBadNames({ login, permissions }: Order): void {
  const isGood = permissions.length > 0 && [login, ...permissions].every((text) => TEXT.test(text));
  if (!isGood)
    throw new PamError('E_PRV_NAME', 'a login or permission is not one line of visible characters');
}

type Operation = 'grant' | 'revoke' | 'inspect';

async function ask(
  place: TargetPlace,
  limits: PluginLimits,
  op: Operation,
  order: Order,
): Promise<PluginAnswer> {
  const plugin = pluginOf(place);
  const timeoutMs = timeLimitMs(order, limits.timeoutMs);
  const program = await pluginPath(place.env['PAM_PLUGIN_DIR'], plugin);
  const given = givenVariables(place);
  const secrets = Object.values(given);
  const env = { PATH: place.env['PATH'] ?? '/usr/bin:/bin', LANG: place.env['LANG'] ?? 'C.UTF-8', ...given };
  const stdin = Buffer.from(`${JSON.stringify(question(place, op, order))}\n`);
  let result: RunResult;
  try {
    result = await run(program, [], {
      maxBytes: limits.maxBytes,
      timeoutMs,
      env,
      stdin,
      cwd: '/',
      ownGroup: true,
    });
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    const why = cause instanceof PamError ? shown(cause.message, secrets) : 'it could not be run';
    throw new PamError(codeOf(cause, 'E_PRV_PLUGIN'), `plugin ${plugin} failed, ${why}`, { cause });
  }
  if (result.code !== 0) {
    const words = shown(result.stderr, secrets);
    const ended = result.code === null ? 'was killed' : `exited with ${result.code}`;
    throw new PamError(
      'E_PRV_PLUGIN',
      words === '' ? `plugin ${plugin} ${ended}` : `plugin ${plugin} ${ended}: ${words}`,
    );
  }
  return parseAnswer(result.stdout, secrets);
}

function question(place: TargetPlace, op: Operation, order: Order): Readonly<Record<string, unknown>> {
  const { id, subject, login, permissions, until } = order;
  const options = place.config['options'] ?? {};
  const handle = order.receipt?.handle ?? {};
  return { version: 1, op, id, subject, login, permissions, until, options, handle };
}

/** The name is part of a path, and a recorded config never went through today's schema. */
function pluginOf(place: TargetPlace): string {
  const plugin = configText(place, 'plugin');
  if (plugin !== undefined && /^[a-z][a-z0-9-]{0,39}$/u.test(plugin)) return plugin;
  throw new PamError('E_PRV_CONFIG', `plugin of target ${place.target} is not a plain name`);
}

/** Exactly what config names; a name that is not set is an error rather than a silent change of meaning. */
function givenVariables(place: TargetPlace): Record<string, string> {
  return Object.fromEntries(namesOf(place).map((name) => [name, valueIn(place, name)]));
}

function namesOf(place: TargetPlace): readonly string[] {
  const names: unknown = place.config['env'] ?? [];
  if (!Array.isArray(names)) throw new PamError('E_PRV_CONFIG', 'env is not a list');
  return names.map((name: unknown): string => {
    if (typeof name === 'string' && new RegExp(VARIABLE, 'u').test(name)) return name;
    throw new PamError('E_PRV_CONFIG', 'env holds something other than names of variables');
  });
}

function valueIn(place: TargetPlace, name: string): string {
  const value = place.env[name];
  if (value !== undefined) return value;
  throw new PamError('E_PRV_ENV', `environment variable ${name} of target ${place.target} is not set`);
}

function contradiction(answer: PluginAnswer, what: string): PamError {
  const words = answer.message === '' ? '' : `: ${answer.message}`;
  return new PamError('E_PRV_PLUGIN', `the plugin says that the access is ${what}${words}`);
}
