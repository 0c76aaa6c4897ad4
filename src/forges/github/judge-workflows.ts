/** What main itself says about who runs what: workflow files and code owners, as they lie in Git. */
import { type Check, tellOf } from '../../model/check.ts';

const { ok, warning, problem, unknown } = tellOf('forge');

export interface WorkflowFile {
  readonly path: string;
  /** The YAML document, or why it cannot be read. */
  readonly document: { readonly data: unknown } | { readonly fault: string };
}

type Fields = Readonly<Partial<Record<string, unknown>>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

const HOLDS_KEYS: ReadonlySet<string> = new Set(['pam-apply', 'pam-sweep']);
/** Machines of GitHub's own, new for every job, on github.com and ghe.com; on a Server a label says nothing. */
const HOSTED = /^(?:ubuntu|windows|macos)-[a-z0-9.-]+$/u;

/**
 * On a runner that pull requests share, the author of one reads the keys of the next sweep. Which workflow may use a
 * runner stands in its group, which main does not show.
 *
 * @param isHosted GitHub runs machines there
 */
export function judgeRunners(files: readonly WorkflowFile[], isHosted: boolean): Check[] {
  const checks = files.flatMap(({ path, document }): Check[] => {
    if ('fault' in document) {
      return [
        unknown('W_FORGE_RUNNER', `${path} cannot be read: ${document.fault}`, 'write it in plain YAML'),
      ];
    }
    return Object.entries(fieldsOf(fieldsOf(document.data)['jobs'])).flatMap(([name, value]) => {
      const job = fieldsOf(value);
      if (!HOLDS_KEYS.has(environmentOf(job))) return [];
      return judgeRunner(`${name} in ${path}`, job['runs-on'], isHosted);
    });
  });
  return checks.length > 0
    ? checks
    : [ok('W_FORGE_RUNNER', 'jobs that hold keys run on machines of their own')];
}

function environmentOf(job: Fields): string {
  const { environment } = job;
  const name = typeof environment === 'string' ? environment : fieldsOf(environment)['name'];
  return typeof name === 'string' ? name : '';
}

function judgeRunner(job: string, on: unknown, isHosted: boolean): Check[] {
  const labels: readonly unknown[] = Array.isArray(on) ? on : [on];
  if (isHosted && labels.every((label) => typeof label === 'string' && HOSTED.test(label))) return [];
  const { group } = Array.isArray(on) ? {} : fieldsOf(on);
  if (typeof group === 'string') {
    const message = `${job} holds a key and runs in the runner group ${group}`;
    return [
      unknown(
        'W_FORGE_RUNNER',
        message,
        'let no other workflow use that group, with runners for one job each',
      ),
    ];
  }
  const message = `${job} holds a key and runs on ${JSON.stringify(on)}: a pull request's workflow can name the same runner`;
  return [
    warning(
      'W_FORGE_RUNNER',
      message,
      isHosted
        ? 'runs-on: ubuntu-24.04, or a runner group that no other workflow may use'
        : 'runs-on: { group: ... }, a runner group that no other workflow may use, with runners for one job each',
    ),
  ];
}

/** Where GitHub looks, in its order. */
export const CODEOWNERS = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'] as const;
const OWNED = ['pam.yaml', 'policy/', '.github/'] as const;

/** @param text of the file that GitHub takes; `null` when there is none */
export function judgeCodeOwners(text: string | null): Check[] {
  const hint = `${CODEOWNERS[0]}: a line for each of ${OWNED.map((one) => `/${one}`).join(', ')} with the admins' accounts`;
  if (text === null) return [problem('E_FORGE_CODEOWNERS', 'main has no CODEOWNERS file', hint)];
  const lines = text
    .split('\n')
    .map((one) => one.replace(/(?:^|\s)#.*$/u, '').trim())
    .filter((one) => one !== '')
    .map((one) => one.split(/\s+/u));
  const open = OWNED.filter((path) => {
    // The last line that matches counts, also when it names no owner.
    const owners = lines.findLast(([pattern = '']) => covers(pattern, path))?.slice(1) ?? [];
    return owners.length === 0;
  });
  return open.length === 0
    ? [ok('E_FORGE_CODEOWNERS', `${OWNED.join(', ')} have code owners`)]
    : [problem('E_FORGE_CODEOWNERS', `nobody owns ${open.join(', ')} in CODEOWNERS`, hint)];
}

/** Only patterns that cover all of it. */
function covers(pattern: string, path: string): boolean {
  if (['*', '**', '/**'].includes(pattern)) return true;
  const plain = pattern.replace(/^\//u, '').replace(/\/?\*{0,2}$/u, '');
  return plain === path.replace(/\/$/u, '');
}
