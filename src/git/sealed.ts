/**
 * The seal around every git call (threats R16).
 *
 * A clone may be a stranger's, so none of its configuration is ever read by the git that works for us. We keep a
 * temporary git directory of our own whose config holds only what stands here, and lend it two things of the
 * clone: its objects (by `GIT_OBJECT_DIRECTORY`) and, where refs are moved, its refs (by symlink, as git's own
 * new-workdir script does; pam reads them itself). What the clone says about hooks, filters, fsmonitor, promisor remotes, grafts, shallow cuts,
 * commit-graphs, includes or programs therefore has no effect, whatever key a later git invents for it.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PamError } from '../model/error.ts';
import { keepOpen, type KeptOpen } from '../process/keep-open.ts';
import { temporaryDirectory } from '../process/own-places.ts';
import { run, type RunResult } from '../process/run.ts';
import { atEndOfRun } from '../process/this-run.ts';
import type { ObjectFormat } from './new-objects.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a repository's parts lie; all paths absolute. */
export interface RepositoryPlace {
  /** The directory that holds objects and refs (for a linked work tree: the main repository's). */
  readonly gitDir: string;
  readonly workTree: string | null;
  readonly objectFormat: ObjectFormat;
}

export interface GitCall {
  readonly stdin?: Uint8Array | string | Promise<Uint8Array>;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  /** Only for work tree and index: paths, never settings. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs git in the sealed directory; the exit code is the caller's to judge. */
export type Git = (args: readonly string[], call?: GitCall) => Promise<RunResult>;

export interface Sealed {
  readonly git: Git;
  /** Like `git`, but any other exit code than 0 is an error; stdout. */
  readonly must: (args: readonly string[], call?: GitCall) => Promise<Buffer>;
  /** The same, in a directory that the clone's refs are lent to: for moving them. */
  readonly withRefs: Git;
  /** A git that stays open for questions. */
  readonly keepOpen: (args: readonly string[]) => KeptOpen;
}

const MAX_BYTES = 128 * 1024 * 1024;
const LOCAL_TIMEOUT_MS = 120_000;
/**
 * `alternateRefsCommand`: beside an incoming directory the clone's objects are an alternate, and git would ask a git in
 * the clone for its refs, whatever lies there as one (a link to `/dev/zero` took all memory). `true` answers: none.
 */
const SETTINGS = `[core]
	bare = true
	hooksPath = /dev/null
	fsmonitor = false
	commitGraph = false
	multiPackIndex = false
	bigFileThreshold = 16m
	fsync = all
	filesRefLockTimeout = 3000
	packedRefsTimeout = 3000
	attributesFile = /dev/null
	excludesFile = /dev/null
	logAllRefUpdates = false
	protectHFS = true
	protectNTFS = true
	alternateRefsCommand = true
[gc]
	auto = 0
[maintenance]
	auto = false
[submodule]
	recurse = false
[transfer]
	fsckObjects = false
	bundleURI = false
[fetch]
	fsckObjects = false
	recurseSubmodules = false
	writeCommitGraph = false
	prune = false
	pruneTags = false
[receive]
	fsckObjects = true
[push]
	followTags = false
	gpgSign = false
	recurseSubmodules = no
	negotiate = false
	useBitmaps = true
[protocol]
	allow = never
	version = 2
[protocol "https"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "file"]
	allow = always
[protocol "ext"]
	allow = never
`;

/** What every git of ours gets; nothing else of the person's environment. */
export function baseEnvironment(env: Environment): Record<string, string> {
  return {
    PATH: env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** Also without the person's and the machine's git configuration. */
export function localEnvironment(env: Environment): Record<string, string> {
  return { ...baseEnvironment(env), GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
}

/** A git directory of our own that lives as long as this run. `refs` of the clone are lent only if asked. */
export function sealedDirectory(place: RepositoryPlace, env: Environment, lendRefs = false): string {
  const dir = temporaryDirectory(env, 'pam-git-');
  atEndOfRun(() => rmSync(dir, { recursive: true, force: true }));
  const sha256 = place.objectFormat === 'sha256';
  const format = sha256 ? '[extensions]\n\tobjectFormat = sha256\n' : '';
  writeFileSync(
    join(dir, 'config'),
    `[core]\n\trepositoryformatversion = ${sha256 ? 1 : 0}\n${format}${SETTINGS}`,
  );
  writeFileSync(join(dir, 'HEAD'), 'ref: refs/heads/pam-none\n');
  if (lendRefs) {
    symlinkSync(join(place.gitDir, 'refs'), join(dir, 'refs'));
    symlinkSync(join(place.gitDir, 'packed-refs'), join(dir, 'packed-refs'));
  } else {
    mkdirSync(join(dir, 'refs'));
  }
  return dir;
}

/** Where a git of ours runs, and with what. */
type Inside = () => { readonly cwd: string; readonly env: Record<string, string> };

/** Laid when first needed: many commands move no ref, and some read no object. */
function inside(place: RepositoryPlace, env: Environment, lendRefs: boolean): Inside {
  let dir: string | undefined;
  return () => {
    const cwd = (dir ??= sealedDirectory(place, env, lendRefs));
    const objects = join(place.gitDir, 'objects');
    return { cwd, env: { ...localEnvironment(env), GIT_DIR: cwd, GIT_OBJECT_DIRECTORY: objects } };
  };
}

const gitIn =
  (sealedIn: Inside): Git =>
  async (args, call = {}) => {
    const { cwd, env } = sealedIn();
    return await run('git', ['--no-pager', ...args], {
      cwd,
      env: { ...env, ...call.env },
      timeoutMs: call.timeoutMs ?? LOCAL_TIMEOUT_MS,
      maxBytes: call.maxBytes ?? MAX_BYTES,
      // It never asks on the terminal, so the terminal's Ctrl-C need not end it in the middle of a write.
      ownGroup: true,
      ...(call.stdin === undefined ? {} : { stdin: inBytes(call.stdin) }),
    });
  };

/** Git for local work: the clone's objects, our own everything else. */
export function seal(place: RepositoryPlace, env: Environment): Sealed {
  const sealedIn = inside(place, env, false);
  const git = gitIn(sealedIn);
  const must: Sealed['must'] = async (args, call) => {
    const result = await git(args, call);
    if (result.code !== 0) throw gitError(`git ${args[0] ?? ''} failed`, result.stderr);
    return result.stdout;
  };
  const open: Sealed['keepOpen'] = (args) => {
    let kept: KeptOpen | undefined;
    return {
      // Laid when first asked for: many commands never read an object.
      converse: async (talk) => {
        kept ??= keepOpen('git', ['--no-pager', ...args], { ...sealedIn(), timeoutMs: LOCAL_TIMEOUT_MS });
        return await kept.converse(talk);
      },
    };
  };
  return { git, must, withRefs: gitIn(inside(place, env, true)), keepOpen: open };
}

const inBytes = (stdin: NonNullable<GitCall['stdin']>): Uint8Array | Promise<Uint8Array> =>
  typeof stdin === 'string' ? Buffer.from(stdin) : stdin;

/** An error with what git said last; URLs in it lose their credentials. */
export function gitError(message: string, stderr: string, code: ErrorCode = 'E_GIT'): PamError {
  return new PamError(code, `${message}${said(stderr)}`);
}

export function said(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((each) => /^(?:fatal|error): /u.test(each)) ?? lines.at(-1);
  return line === undefined
    ? ''
    : `: ${line
        .replace(/\/\/[^@/\s]*@/gu, '//')
        .replace(/\.$/u, '')
        .slice(0, 300)}`;
}
