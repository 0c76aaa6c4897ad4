/** The part of `pam init` that is GitHub's: the program and the files that run it there, only what is missing. */
import { join } from 'node:path';
import { readNewPolicy } from '../documents/policy-files.ts';
import { POLICY_BYTES } from '../documents/yaml.ts';
import { plainBytes } from '../files/plain-file.ts';
import type { Desk } from '../flows/desk.ts';
import { githubFiles } from '../flows/setup/github-files.ts';
import { DEFAULT_WAY, SWEEP_WAYS, type SweepWay } from '../flows/setup/sweep-ways.ts';
import { writeMissing } from '../git/start-repository.ts';
import { PamError } from '../model/error.ts';
import type { Sha256 } from '../model/names.ts';
import { POLICY_PATHS, type Policy } from '../model/policy.ts';
import { treeDigest } from '../trust/digest.ts';
import type { Session } from './session.ts';
import { type Program, programFiles, removeVendored, VENDORED, vendoredDigest } from './vendored-program.ts';

export interface GithubOptions {
  readonly github?: string;
  readonly account?: string;
  readonly upgrade?: true;
  readonly sweepBy?: string;
  readonly applySettings?: true;
  readonly yes?: true;
}

export interface Github {
  readonly repository: string;
  readonly account: { readonly login: string; readonly id: number } | undefined;
  readonly upgrade: boolean;
  /** `undefined`: the option was not given. */
  readonly sweepBy: SweepWay | undefined;
}

const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9_.-]{1,100}$/u;
const ACCOUNT = /^([A-Za-z0-9](?:-?[A-Za-z0-9])*(?:_[A-Za-z0-9]+)?)=([1-9][0-9]{0,14})$/u;

/** `null`: not on GitHub. */
export function githubOf(options: GithubOptions): Github | null {
  const { github: repository, account, upgrade, sweepBy, applySettings } = options;
  if (repository === undefined) {
    if ([account, upgrade, sweepBy, applySettings].every((one) => one === undefined)) return null;
    throw new PamError('E_USAGE', '--account, --upgrade, --sweep-by and --apply-settings go with --github');
  }
  if (!REPOSITORY.test(repository)) {
    throw new PamError('E_USAGE', `${JSON.stringify(repository)} is not owner/repository`);
  }
  const [, login, id] = (account === undefined ? null : ACCOUNT.exec(account)) ?? [];
  if (account !== undefined && login === undefined) {
    throw new PamError('E_USAGE', `${JSON.stringify(account)} is not login=number`, { hint: ACCOUNT_HINT });
  }
  return {
    repository,
    account: login === undefined ? undefined : { login, id: Number(id) },
    upgrade: upgrade === true,
    sweepBy: sweepBy === undefined ? undefined : wayNamed(sweepBy),
  };
}

function wayNamed(name: string): SweepWay {
  const found = SWEEP_WAYS.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new PamError('E_USAGE', `${JSON.stringify(name)} is no way of sweeping`, {
    hint: `give --sweep-by ${SWEEP_WAYS.map((one) => one.name).join(', ')}`,
  });
}

/** How soon ends can be promised follows from it, so a person is asked; where there is none, the least is promised. */
export async function sweepWayOf(at: Session, { sweepBy }: Github): Promise<SweepWay> {
  if (sweepBy !== undefined || !at.mayAsk()) return sweepBy ?? DEFAULT_WAY;
  const choices = SWEEP_WAYS.map(({ name, title, within }) => ({
    label: `${title} (grants need a sweep within ${within})`,
    value: name,
  }));
  return wayNamed(await at.pick('What will end access?', choices));
}

const ACCOUNT_HINT = `give --account "$(gh api user --jq '"\\(.login)=\\(.id)"')"`;

/** Whose reviews count is a matter of account numbers, from policy 1 on: else policy 2 could not be signed. */
export function needAccount({ account }: Github): { readonly login: string; readonly id: number } {
  if (account !== undefined) return account;
  throw new PamError('E_USAGE', 'which account on GitHub is yours?', { hint: ACCOUNT_HINT });
}

/** The policy as it lies in the work tree; what it says about the forge must be this repository. */
export function policyHere(desk: Desk, place: string, github: Github): Policy {
  const files = new Map<string, Uint8Array>();
  for (const path of POLICY_PATHS) {
    const bytes = plainBytes(join(place, path), POLICY_BYTES, place);
    if (bytes !== undefined) files.set(path, bytes);
  }
  const { policy } = readNewPolicy(files, treeDigest(files), desk.providers, desk.clock());
  const { forge } = policy.config;
  if (forge.kind === 'github' && forge.repository === github.repository) return policy;
  throw new PamError('E_USAGE', `pam.yaml does not say that this is ${github.repository} on GitHub`, {
    hint: `its line should be: forge: { kind: github, repository: ${github.repository}, remote: origin }`,
  });
}

export interface GithubWritten {
  readonly files: readonly string[];
  /** Of what lies in `.github/pam` now: the value of `PAM_BUNDLE`, `PAM_APPLY_BUNDLE` and `PAM_SWEEP_BUNDLE`. */
  readonly bundle: Sha256;
  /** Another program than this one lies there, and was left alone. */
  readonly older: Sha256 | null;
  /** Digest of the program that runs now. */
  readonly ours: Sha256;
}

export async function writeGithub(
  place: string,
  github: Github,
  policy: Policy,
  program: Program,
): Promise<GithubWritten> {
  const ours = await programFiles(program);
  const digest = treeDigest(ours);
  const there = vendoredDigest(place);
  const fresh = there === undefined || there === digest || github.upgrade;
  if (there !== undefined && there !== digest && github.upgrade) await removeVendored(place);
  const bundle = fresh ? digest : there;
  const vendored = [...ours].map(([path, text]) => [`${VENDORED}/${path}`, text] as const);
  const files = new Map([
    ...(fresh ? vendored : []),
    // An upgrade is of the program alone.
    ...(github.upgrade ? [] : githubFiles({ repository: github.repository, bundle, policy })),
  ]);
  return { files: await writeMissing(place, files), bundle, older: fresh ? null : there, ours: digest };
}

/** Some lines for people; the program's many files are one. */
export function tellGithub({ files, bundle, older, ours }: GithubWritten): readonly string[] {
  const others = files.filter((path) => !path.startsWith(`${VENDORED}/`));
  const program =
    older === null
      ? [`  program    ${VENDORED} holds this pam`, `  PAM_BUNDLE ${bundle}`]
      : [
          `  program    ${VENDORED} holds another pam than this one, and is left alone: ${older}`,
          `             --upgrade puts this one in its place: ${ours}`,
        ];
  return [...others.map((path) => `  wrote      ${path}`), ...program];
}
