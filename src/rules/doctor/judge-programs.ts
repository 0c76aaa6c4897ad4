import { type Check, tellOf } from '../../model/check.ts';

const { ok, warning, problem } = tellOf('programs');

/** `GIT_CONFIG_GLOBAL`, without which the seal around git leaks. */
const LEAST_GIT = '2.32';
/** Looks at who owns a repository before it obeys it (CVE-2022-24765). */
const GOOD_GIT = '2.35.2';

export function judgeGit(version: string): Check {
  if (isOlder(version, LEAST_GIT)) {
    return problem('E_GIT_OLD', `git ${version} is too old`, `install git ${LEAST_GIT} or newer`);
  }
  if (isOlder(version, GOOD_GIT)) {
    const message = `git ${version} does not look at who owns a repository`;
    return warning('E_GIT_OLD', message, `install git ${GOOD_GIT} or newer`);
  }
  return ok('E_GIT_OLD', `git ${version}`);
}

export function judgeKeygen(signs: boolean): Check {
  return signs
    ? ok('E_SIGN_OLD', 'ssh-keygen can sign')
    : problem('E_SIGN_OLD', 'this ssh-keygen cannot sign (-Y sign)', 'install OpenSSH 8.2 or newer');
}

function isOlder(version: string, least: string): boolean {
  const has = version.split('.').map(Number);
  for (const [at, wanted] of least.split('.').map(Number).entries()) {
    const part = has[at] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}
