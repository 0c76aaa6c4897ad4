/**
 * Whose word counts as ours at GitHub. The first of these that is there:
 *
 * 1. a GitHub App, `PAM_GITHUB_APP_ID` with `PAM_GITHUB_APP_KEY` (the path of its PEM key): for executors;
 * 2. for github.com and *.ghe.com `GH_TOKEN`, then `GITHUB_TOKEN`; for an Enterprise server `GH_ENTERPRISE_TOKEN`, then
 *    `GITHUB_ENTERPRISE_TOKEN`, then a job's own `GITHUB_TOKEN`, on a runner of that very server;
 * 3. what `gh auth token` says for that host.
 *
 * 2 and 3 are the order of `gh` itself, so that both act as the same account; a token of one server is never sent to
 * another. Source: cli.github.com/manual/gh_help_environment. Tokens live in memory alone.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { expected, PamError } from '../model/error.ts';
import { run } from '../process/run.ts';
import { type ApiAddress, isServer } from './api-address.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Access =
  | { readonly kind: 'app'; readonly appId: string; readonly privateKey: string }
  | { readonly kind: 'token'; readonly token: string };

export async function findAccess(address: ApiAddress, env: Environment): Promise<Access> {
  const app = appOf(env);
  if (app !== undefined) return app;
  for (const name of variablesFor(address, env)) {
    const token = env[name];
    if (token !== undefined && token !== '') return { kind: 'token', token: checkToken(token, name) };
  }
  const token = await askGh(address.host, env);
  if (token !== undefined) return { kind: 'token', token: checkToken(token, 'gh auth token') };
  throw new PamError('E_FORGE_TOKEN', `there is no token for ${address.host}`, {
    hint: `run: gh auth login --hostname ${address.host}; or set ${isServer(address) ? 'GH_ENTERPRISE_TOKEN' : 'GH_TOKEN'}, or PAM_GITHUB_APP_ID and PAM_GITHUB_APP_KEY`,
  });
}

const JOB_TOKEN = 'GITHUB_TOKEN';

/** Names of variables whose token is for that address, and for no other. */
function variablesFor(address: ApiAddress, env: Environment): readonly string[] {
  const job = jobServer(env);
  if (isServer(address)) {
    return ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN', ...(job === address.host ? [JOB_TOKEN] : [])];
  }
  // On a runner of another server, that name holds a token of the other server.
  return ['GH_TOKEN', ...(job === undefined || job === address.host ? [JOB_TOKEN] : [])];
}

/** Which server this is a job of, by its host; `undefined` outside of Actions. */
function jobServer(env: Environment): string | undefined {
  if (env['GITHUB_ACTIONS'] !== 'true') return undefined;
  const url = env['GITHUB_SERVER_URL'] ?? '';
  return URL.canParse(url) ? new URL(url).hostname : '';
}

/** What can be a header's value; a line feed from a secrets file is no part of a token. */
function checkToken(text: string, from: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,4096}$/u.test(token)) return token;
  throw new PamError('E_FORGE_TOKEN', `what ${from} holds is no token`);
}

function appOf(env: Environment): Access | undefined {
  const appId = env['PAM_GITHUB_APP_ID'] ?? '';
  const keyFile = env['PAM_GITHUB_APP_KEY'] ?? '';
  if (appId === '' && keyFile === '') return undefined;
  if (appId === '' || keyFile === '') {
    throw new PamError('E_USAGE', 'a GitHub App needs an id and a key', {
      hint: 'set both PAM_GITHUB_APP_ID and PAM_GITHUB_APP_KEY (the path of its private key)',
    });
  }
  if (!/^[A-Za-z0-9._-]{1,64}$/u.test(appId)) throw new PamError('E_USAGE', 'PAM_GITHUB_APP_ID is no id');
  return { kind: 'app', appId, privateKey: readKey(keyFile) };
}

const KEY_MAX_BYTES = 16 * 1024;

/** Errors name the variable, never what stands in the file: a key may have been pasted into the variable itself. */
function readKey(file: string): string {
  let text: string;
  try {
    const bytes = Buffer.alloc(KEY_MAX_BYTES);
    const handle = openSync(file, 'r');
    try {
      text = bytes.toString('latin1', 0, readSync(handle, bytes, 0, KEY_MAX_BYTES, 0));
    } finally {
      closeSync(handle);
    }
  } catch {
    throw new PamError('E_FORGE_TOKEN', 'the file that PAM_GITHUB_APP_KEY names cannot be read', {
      hint: "it is the path of the App's private key, not the key itself",
    });
  }
  if (!/^-----BEGIN (?:RSA )?PRIVATE KEY-----/u.test(text)) {
    throw new PamError('E_FORGE_TOKEN', 'the file that PAM_GITHUB_APP_KEY names holds no PEM private key', {
      hint: "make a new private key on the App's settings page",
    });
  }
  return text;
}

const GH_NEEDS = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'GH_CONFIG_DIR', 'DBUS_SESSION_BUS_ADDRESS'];

/** `undefined` when gh is not there, or not logged in. */
async function askGh(host: string, env: Environment): Promise<string | undefined> {
  const given = GH_NEEDS.flatMap((name): [string, string][] => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  try {
    const answer = await run('gh', ['auth', 'token', '--hostname', host], {
      env: { ...Object.fromEntries(given), GH_PROMPT_DISABLED: '1', GH_NO_UPDATE_NOTIFIER: '1' },
      timeoutMs: 10_000,
      maxBytes: 64 * 1024,
    });
    const token = answer.stdout.toString('latin1').trim();
    return answer.code === 0 && token !== '' ? token : undefined;
  } catch (error) {
    expected(error);
    return undefined;
  }
}
