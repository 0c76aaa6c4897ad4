/**
 * Git over the network, through simple-git, in a sealed directory of our own. The person's global (and the machine's)
 * git config applies here: credentials, proxy and ssh are theirs. Bounded in time and in bytes.
 *
 * simple-git guards the environment: each variable below is allowed by name, and the three that name a program
 * (`GIT_SSH`, `GIT_SSH_COMMAND`, askpass) only if the person's own environment has them.
 */
import type { SimpleGit } from 'simple-git';
import { Interrupted, PamError } from '../model/error.ts';
import { checkInterrupt, isCutOff, isInterrupted, ownTurn, whenCutOff } from '../process/interrupt.ts';
import type { Incoming } from './incoming.ts';
import { baseEnvironment, type Environment } from './sealed.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Talk {
  /** Our own git directory, and the clone's objects. */
  readonly directory: string;
  readonly objects: string;
  readonly env: Environment;
  readonly timeoutMs: number;
  /** Where fetched objects go, how many bytes of them may come, and after how long without one more it is given up. */
  readonly incoming?: Incoming & { readonly maxBytes: number; readonly stallMs?: number | undefined };
}

/** Of what git prints: some 500,000 refs. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A fast remote brings ten megabytes meanwhile. */
const WATCH_MS = 100;
const FROM_PERSON = [
  'HOME',
  'XDG_CONFIG_HOME',
  'GIT_CONFIG_GLOBAL',
  'USER',
  'LOGNAME',
  'SSH_AUTH_SOCK',
  'SSH_ASKPASS',
  'SSH_ASKPASS_REQUIRE',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'DBUS_SESSION_BUS_ADDRESS',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_ASKPASS',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'all_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  // What a credential helper of the person's own configuration reads, as in CI; git itself has no use for them.
  'GH_TOKEN',
  'GITHUB_TOKEN',
] as const;

/**
 * Throws `E_GIT_NETWORK` when no answer came in time, `E_GIT_BOUND` when a fetch takes too long or brings too much,
 * `Interrupted` when this process is cut off; an exit code is the caller's to judge. Git stays in the terminal's group,
 * since ssh may ask for a passphrase there: what Ctrl-C ended while there is something to finish is asked once more,
 * except a push, which its caller settles.
 */
export async function talk(where: Talk, args: readonly string[]): Promise<Answer> {
  const before = isInterrupted();
  const answer = await talkOnce(where, args);
  if (answer.code === 0 || args[0] === 'push' || before || !isInterrupted()) return answer;
  return await talkOnce(where, args);
}

async function talkOnce(where: Talk, args: readonly string[]): Promise<Answer> {
  checkInterrupt();
  // Only here: no command that stays on this machine waits for it.
  const { simpleGit } = await import('simple-git');
  const env = networkEnvironment(where);
  const stop = new AbortController();
  const answer = { code: -1, stderr: '' };
  const git = simpleGit({
    baseDir: where.directory,
    maxConcurrentProcesses: 1,
    abort: stop.signal,
    allowEnvironment: Object.keys(env).filter((name) => /^(?:GIT_|SSH_ASKPASS$)/u.test(name)),
    unsafe: {
      allowUnsafeSshCommand: 'GIT_SSH' in env || 'GIT_SSH_COMMAND' in env,
      allowUnsafeAskPass: 'GIT_ASKPASS' in env || 'SSH_ASKPASS' in env,
      // Where the person's own configuration stands, if it is no ~/.gitconfig.
      allowUnsafeConfigPaths: 'GIT_CONFIG_GLOBAL' in env,
    },
    errors: (_error, result) => {
      // `null` when a signal ended it, whatever its type says.
      answer.code = typeof result.exitCode === 'number' ? result.exitCode : -1;
      answer.stderr = Buffer.concat(result.stdErr).toString('utf8');
      return undefined;
    },
  }).env(env);
  const ended = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => {
      if (isCutOff()) reject(new Interrupted());
      // Of what it was to bring there may be less in another fetch; a question that has no answer has none.
      const code = where.incoming === undefined ? 'E_GIT_NETWORK' : 'E_GIT_BOUND';
      const hint = 'if that is as it should be, bring it once by hand: git fetch, in this clone';
      const options = where.incoming === undefined ? {} : { hint };
      reject(new PamError(code, `git ${args[0] ?? ''}: ${String(stop.signal.reason)}`, options));
    });
  });
  const timer = setTimeout(() => {
    stop.abort(`no answer within ${where.timeoutMs / 1000} s`);
  }, where.timeoutMs);
  const ignore = whenCutOff(() => stop.abort('interrupted'));
  boundBytes(git, stop);
  const watch = watchIncoming(where, stop);
  try {
    const stdout = await Promise.race([git.raw(...args), ended]);
    await ownTurn(answer.code < 0 ? null : answer.code);
    checkInterrupt();
    return { ...answer, stdout };
  } catch (cause) {
    if (cause instanceof PamError || cause instanceof Interrupted) throw cause;
    throw new PamError('E_GIT_NETWORK', `git ${args[0] ?? ''} could not be run`, { cause });
  } finally {
    ignore();
    clearTimeout(timer);
    clearInterval(watch);
  }
}

function watchIncoming({ incoming }: Talk, stop: AbortController): NodeJS.Timeout | undefined {
  if (incoming === undefined) return undefined;
  const { maxBytes, size, stallMs } = incoming;
  let last = 0;
  let stalledMs = 0;
  return setInterval(() => {
    const bytes = size();
    if (bytes > maxBytes) stop.abort(`it brings more than ${maxBytes} bytes`);
    stalledMs = bytes === last ? stalledMs + WATCH_MS : 0;
    last = bytes;
    if (stallMs !== undefined && stalledMs > stallMs) stop.abort(`nothing came for ${stallMs / 1000} s`);
  }, WATCH_MS);
}

/** On an abort the pipes are dropped too: a helper that ignores signals must not hold us. */
function boundBytes(git: SimpleGit, stop: AbortController): void {
  let bytes = 0;
  git.outputHandler((_command, stdout, stderr) => {
    for (const stream of [stdout, stderr]) {
      stream.on('data', (chunk: Uint8Array) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) stop.abort('the answer is too long');
      });
      stop.signal.addEventListener('abort', () => {
        if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
      });
    }
  });
}

function networkEnvironment(where: Talk): Record<string, string> {
  const env: Record<string, string> = {
    ...baseEnvironment(where.env),
    GIT_DIR: where.directory,
    GIT_OBJECT_DIRECTORY: where.objects,
    ...(where.incoming === undefined
      ? {}
      : {
          GIT_OBJECT_DIRECTORY: where.incoming.directory,
          GIT_ALTERNATE_OBJECT_DIRECTORIES: where.incoming.alternates,
        }),
    GIT_ALLOW_PROTOCOL: 'https:ssh:file',
    GIT_PROTOCOL_FROM_USER: '0',
  };
  for (const name of FROM_PERSON) {
    const value = where.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
