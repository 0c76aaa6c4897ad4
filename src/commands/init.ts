import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EXIT, PamError } from '../model/error.ts';
import { POLICY_PATHS } from '../model/policy.ts';
import {
  addRemote,
  commitPaths,
  followRemote,
  startRepository,
  writeMissing,
} from '../git/start-repository.ts';
import { beginLedger, hasLedger, refuseSecondLedger } from '../flows/setup/begin-ledger.ts';
import type { Desk, Executor } from '../flows/desk.ts';
import { DEFAULT_WAY } from '../flows/setup/sweep-ways.ts';
import { initFiles, type OnGithub } from '../flows/setup/init-files.ts';
import { generateKey, readPublicKey } from '../signing/ssh-keygen.ts';
import {
  type Github,
  githubOf,
  type GithubOptions,
  type GithubWritten,
  needAccount,
  policyHere,
  sweepWayOf,
  tellGithub,
  writeGithub,
} from './init-github.ts';
import { applySettings } from './init-settings.ts';
import { needEmptyRemote, undo, whatIsThere } from './init-place.ts';
import { line } from '../views/escape.ts';
import type { Register, Session } from './session.ts';

interface Options extends GithubOptions {
  readonly remote?: string;
}

export const register: Register = (program, session) => {
  program
    .command('init')
    .description(
      'Writes the files that are missing, commits them, and begins the ledger: genesis and, signed by you, policy 1.',
    )
    .argument('[dir]', 'where', '.')
    .option('--remote <url>', 'a bare repository that everybody shares, as the remote `origin`')
    .option(
      '--github <owner/repository>',
      'that repository on GitHub: workflows too, and the program they run',
    )
    .option('--account <login=number>', 'your account on GitHub')
    .option(
      '--sweep-by <way>',
      'with --github, what ends access: watch, timer, hourly or schedule (default: schedule; docs/pam-setup.md). It sets sweep_within',
    )
    .option('--upgrade', 'with --github: only put this pam in the place of an older one in .github/pam')
    .option(
      '--apply-settings',
      'with --github, in a clone: make environments, variables, rulesets and settings of Actions there, each asked for first',
    )
    .option('--yes', 'with --apply-settings: do not ask')
    .action(async (dir: string, options: Options, command) => {
      const at = session(command);
      const place = resolve(at.globals.dir, dir);
      const github = githubOf(options);
      if (github === null) await begin(at, place, options, null);
      else if (options.applySettings === true) await settingsAt(at, place, github, options.yes === true);
      else if (await isBegun(at, place)) await addGithub(at, place, github);
      else await begin(at, place, options, github);
    });
};

const isBegun = async (at: Session, place: string): Promise<boolean> =>
  existsSync(join(place, '.git')) && (await hasLedger(await at.deskAt(place)));

async function settingsAt(at: Session, place: string, github: Github, yes: boolean): Promise<void> {
  if (!(await isBegun(at, place))) {
    throw new PamError('E_USAGE', `${place} is no access repository yet`, {
      hint: 'the same command without --apply-settings makes one; the settings come after it',
    });
  }
  const desk = await at.deskAt(place);
  await applySettings(at, desk, place, policyHere(desk, place, github), yes);
}

async function begin(at: Session, place: string, options: Options, github: Github | null): Promise<void> {
  if (github?.upgrade === true) {
    throw new PamError('E_USAGE', 'there is no access repository here whose pam could be upgraded');
  }
  const before = whatIsThere(place);
  const made: string[] = [];
  try {
    await makeAll(at, place, options, github, made);
  } catch (error) {
    // What an interrupt left is told by `leaves`, and stays.
    if (error instanceof PamError && !at.cutOff.aborted) await undo(before, made);
    throw error;
  }
}

/** @param made files that were written, for whatever has to undo it */
async function makeAll(
  at: Session,
  place: string,
  options: Options,
  github: Github | null,
  made: string[],
): Promise<void> {
  const { env } = at;
  // Who prepared the people knows their accounts and keys.
  const prepared = existsSync(join(place, 'policy/people.yaml'));
  const account = github === null || prepared ? undefined : needAccount(github);
  const sweepBy = github === null || prepared ? DEFAULT_WAY : await sweepWayOf(at, github);
  const admin = await at.identity.firstAdmin();
  if (options.remote !== undefined && !(await isBegun(at, place))) await needEmptyRemote(at, options.remote);
  at.leaves(`nothing was signed and nothing was sent; what was made in ${place} stays, and pam init goes on`);
  await startRepository(place, 'main', env);
  await refuseSecondLedger(await at.deskAt(place));
  const moved = options.remote === undefined ? null : await addRemote(place, 'origin', options.remote, env);
  if (moved !== null) at.show(`origin was ${line(moved)}, and is what --remote says now\n`);
  // Nothing is written for a remote that is not there.
  if (options.remote === undefined && github !== null)
    await (await at.deskAt(place)).repository.remote('origin');
  const executor = at.executor() ?? (await newExecutor(at, place, 'pam-apply'));
  const sweeper = github === null || prepared ? undefined : await newExecutor(at, place, 'pam-sweep');
  const onGithub: OnGithub | undefined =
    github === null
      ? undefined
      : {
          repository: github.repository,
          account,
          sweeper: sweeper && (await serviceOf(sweeper, env)),
          sweepBy,
        };
  const files = initFiles({
    admin: admin.id,
    adminKey: await readPublicKey(admin.keyFile, env),
    executor: executor.name,
    executorKey: await readPublicKey(executor.keyFile, env),
    remote: options.remote === undefined ? undefined : 'origin',
    github: onGithub,
  });
  const written = await writeMissing(place, files);
  made.push(...written);
  const desk = await at.deskAt(place);
  const added = github === null ? null : await addFiles(at, desk, place, github);
  made.push(...(added?.files ?? []));
  const commit = { message: 'An access repository', author: admin.id, at: at.now() };
  await commitPaths(place, [...POLICY_PATHS, ...(added?.files ?? [])], commit, env);
  const { root, seq, missing } = await beginLedger(desk, admin, executor);
  // So that a plain `git pull` and `git push` know where.
  if (desk.remote !== null) await followRemote(place, desk.hint.main, desk.remote.name, env);
  const lines = [
    `access repository in ${place}`,
    `  trust root ${root}   (write it down: every executor and auditor is given it)`,
    ...[executor, ...(sweeper === undefined ? [] : [sweeper])].map(
      ({ name, keyFile }) => `  executor   ${name}, key ${keyFile}`,
    ),
    missing === 0 ? '  policy 1 is in force' : `  policy 1 needs ${missing} more admin(s): pam ratify`,
    ...(added === null ? [] : [...tellGithub(added), 'next: docs/pam-setup.md']),
  ];
  const document = {
    root,
    seq,
    files: [...written, ...(added?.files ?? [])],
    ...(added === null ? {} : { bundle: added.bundle }),
  };
  const out = `the access repository is begun; to take it back, delete the branches ${desk.hint.main} and ${desk.hint.ledger} where it lives`;
  at.done({ exit: EXIT.done, schema: 'pam.init/1', document, text: `${lines.join('\n')}\n`, out });
}

/** Policy and ledger are as they are; what is missing for GitHub is written for a pull request. */
async function addGithub(at: Session, place: string, github: Github): Promise<void> {
  if (github.sweepBy !== undefined) {
    throw new PamError('E_USAGE', 'there is a policy here already, which --sweep-by does not change', {
      hint: `set sweep_within: ${github.sweepBy.within} in pam.yaml, and bring it to main as a change of policy`,
    });
  }
  const desk = await at.deskAt(place);
  const added = await addFiles(at, desk, place, github);
  const root = desk.givenRoot ?? (await desk.memory.pinnedRoot()) ?? null;
  const lines = [
    `${place} is an access repository already; its policy and its ledger are left alone`,
    ...tellGithub(added),
    added.files.length === 0 ? 'nothing was missing' : 'next: commit these, and open a pull request',
  ];
  const document = { root, seq: null, files: added.files, bundle: added.bundle };
  at.done({ exit: EXIT.done, schema: 'pam.init/1', document, text: `${lines.join('\n')}\n` });
}

async function addFiles(at: Session, desk: Desk, place: string, github: Github): Promise<GithubWritten> {
  return await writeGithub(place, github, policyHere(desk, place, github), at.program);
}

async function serviceOf(
  { name, keyFile }: Executor,
  env: Session['env'],
): Promise<{ readonly name: string; readonly key: string }> {
  return { name, key: await readPublicKey(keyFile, env) };
}

/** A service whose key lies outside the repository, where it is not committed by accident. */
async function newExecutor(at: Session, place: string, name: string): Promise<Executor> {
  const directory = join(
    at.stateHome,
    'pam',
    'keys',
    place.replace(/[^A-Za-z0-9._-]+/gu, '_').replace(/^_/u, ''),
  );
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyFile = join(directory, name);
  // An earlier try may have come this far.
  if (!existsSync(keyFile)) await generateKey(keyFile, name, at.env);
  return { name, keyFile };
}
