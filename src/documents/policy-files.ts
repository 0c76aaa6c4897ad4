/**
 * `pam.yaml` and `policy/*.yaml` into one `Policy`: every default filled in, every problem of every file told at
 * once. Any code found here is of class `invalid`: a policy is not refused, it is broken.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import { EXIT, expected, type Issue } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Sha256 } from '../model/names.ts';
import { type Files, POLICY_PATHS, type Policy, type Target } from '../model/policy.ts';
import type { Provider } from '../model/target.ts';
import { judgeNewPolicy } from '../rules/judge-new-policy.ts';
import { judgePolicy } from '../rules/judge-policy.ts';
import { refusedSettings, settingRemarks } from '../rules/judge-settings.ts';
import type { PolicyProblem } from '../rules/policy-problem.ts';
import { isNotYetBuilt, UNBUILT_CODE } from '../rules/unbuilt.ts';
import { valueFault } from './plain-text.ts';
import { fillPolicy, type PolicyPath } from './fill-policy.ts';
import type { SchemaName } from './document-schemas.ts';
import { type ShapeFault, shapeFaults, shapeFaultsBy } from './schema.ts';
import { findSecret } from './secrets.ts';
import { POLICY_BYTES, pointerTo, readYaml, refusal, type YamlFile } from './yaml.ts';

const SCHEMA_OF = {
  'pam.yaml': 'pam',
  'policy/people.yaml': 'people',
  'policy/roles.yaml': 'roles',
  'policy/targets.yaml': 'targets',
} as const satisfies Record<PolicyPath, SchemaName>;

/**
 * The policy as the chain takes it: what was believed once stays believed.
 *
 * @param digest of exactly these files
 */
export function readPolicy(files: Files, digest: Sha256, providers: ReadonlyMap<string, Provider>): Policy {
  const { policy, problems } = load(files, digest, providers);
  if (problems.length > 0) throw refusal(problems, { exit: EXIT.invalid });
  return policy;
}

export interface NewPolicyRead {
  readonly policy: Policy;
  /** What an admin should know before signing; codes begin with `W_`. */
  readonly warnings: readonly Issue[];
}

/**
 * A policy that is to be checked, signed or brought into force: rules that came later count for it too, and settings that
 * this pam does not obey are refused.
 *
 * @param now keys that count only at other times can show nothing
 */
export function readNewPolicy(
  files: Files,
  digest: Sha256,
  providers: ReadonlyMap<string, Provider>,
  now: Instant,
): NewPolicyRead {
  const { policy, problems, at } = load(files, digest, providers);
  const all = [...problems, ...[...judgeNewPolicy(policy), ...refusedSettings(policy)].map(at)];
  if (all.length > 0) throw refusal(all, { exit: EXIT.invalid });
  return { policy, warnings: settingRemarks(policy, providers, now).map(at) };
}

interface Loaded {
  readonly policy: Policy;
  readonly problems: readonly Issue[];
  readonly at: (problem: PolicyProblem) => Issue;
}

/** Throws where there is no policy to judge: a file is missing, is no YAML, or has another shape. */
function load(files: Files, digest: Sha256, providers: ReadonlyMap<string, Provider>): Loaded {
  const issues = judgeFileSet(files);
  const read = new Map<PolicyPath, YamlFile>();
  for (const path of POLICY_PATHS) {
    const bytes = files.get(path);
    if (bytes === undefined || bytes.length === 0) continue;
    const file = attempt(bytes, path, issues);
    if (file === undefined) continue;
    read.set(path, file);
    issues.push(...shapeIssues(file, path), ...textIssues(file, path));
  }
  if (issues.length > 0) throw refusal(issues, { exit: EXIT.invalid });
  const policy = fillPolicy(digest, (path) => read.get(path)?.data);
  const at = ({ code, path, message }: PolicyProblem): Issue => locate(read, path, code, message);
  const problems = [...configIssues(policy, providers, read), ...judgePolicy(policy, providers).map(at)];
  return { policy, problems, at };
}

/** Exactly the four files. */
function judgeFileSet(files: Files): Issue[] {
  const extra = [...files.keys()].filter((path) => !POLICY_PATHS.some((known) => known === path));
  const missing = POLICY_PATHS.filter((path) => (files.get(path)?.length ?? 0) === 0);
  return [
    ...missing.map(
      (file): Issue => ({ file, code: 'E_POL_MISSING', message: 'the file is missing or empty' }),
    ),
    ...extra.map(
      (file): Issue => ({ file, code: 'E_POL_FILES', message: 'this file does not belong to a policy' }),
    ),
  ];
}

function attempt(bytes: Uint8Array, path: string, issues: Issue[]): YamlFile | undefined {
  try {
    return readYaml(bytes, path, POLICY_BYTES);
  } catch (cause) {
    const error = expected(cause);
    issues.push(...error.issues);
    return undefined;
  }
}

function shapeIssues(file: YamlFile, path: PolicyPath): Issue[] {
  return shapeFaults(SCHEMA_OF[path], file.data).map((fault) => ({
    file: path,
    ...file.placeOf(fault.path),
    path: fault.path,
    ...codeAndMessage(fault, path),
  }));
}

function codeAndMessage(fault: ShapeFault, file: PolicyPath): Pick<Issue, 'code' | 'message'> {
  const field = fault.path.slice(fault.path.lastIndexOf('/') + 1);
  if (fault.rule !== 'unknown-field' || !isNotYetBuilt(file, field))
    return { code: shapeCode(fault), message: fault.message };
  return { code: UNBUILT_CODE, message: `${fault.message}: this pam does not obey it yet` };
}

function shapeCode({ rule, path }: ShapeFault): ErrorCode {
  if (rule === 'unknown-field' || rule === 'missing') return 'E_POL_SHAPE';
  if (path.endsWith('/threshold')) return 'E_POL_THRESHOLD';
  return /\/executes\/may(?:\/\d+)?$/u.test(path) ? 'E_POL_KIND' : 'E_POL_SHAPE';
}

function textIssues(file: YamlFile, path: PolicyPath): Issue[] {
  return file.texts.flatMap(({ pointer, value }): Issue[] => {
    // Places are for people: counting lines for each text that is as it should be would take the time of reading them.
    const at = (): Pick<Issue, 'file' | 'line' | 'col' | 'path'> => ({
      file: path,
      ...file.placeOf(pointer),
      path: pointer,
    });
    const secret = findSecret(value);
    if (secret !== undefined)
      return [{ ...at(), code: 'E_POL_SECRET', message: `holds what looks like ${secret}` }];
    const fault = valueFault(value, false);
    return fault === undefined ? [] : [{ ...at(), code: 'E_POL_CHARSET', message: fault }];
  });
}

/** Each target's config against the schema of its provider; an unknown provider is told elsewhere. */
function configIssues(
  policy: Policy,
  providers: ReadonlyMap<string, Provider>,
  read: ReadonlyMap<PolicyPath, YamlFile>,
): Issue[] {
  return Object.entries<Target>(policy.targets).flatMap(([name, target]) => {
    const provider = providers.get(target.provider);
    if (provider === undefined) return [];
    const base = pointerTo(pointerTo('/targets', name), 'config');
    return shapeFaultsBy(provider.configSchema, target.config).map((fault) =>
      locate(read, `${base}${fault.path}`, 'E_POL_SHAPE', fault.message),
    );
  });
}

/** From a pointer into `Policy` to a place in the file that it came from. */
function locate(
  read: ReadonlyMap<PolicyPath, YamlFile>,
  path: string,
  code: ErrorCode,
  message: string,
): Issue {
  const file = fileOf(path);
  const pointer = file === 'pam.yaml' ? path.slice('/config'.length) : path;
  return { file, ...read.get(file)?.placeOf(pointer), path: pointer, code, message };
}

function fileOf(path: string): PolicyPath {
  if (path.startsWith('/config')) return 'pam.yaml';
  if (path.startsWith('/roles')) return 'policy/roles.yaml';
  return path.startsWith('/targets') ? 'policy/targets.yaml' : 'policy/people.yaml';
}
