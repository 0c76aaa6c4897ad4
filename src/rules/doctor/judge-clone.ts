/** The clone and its remote. What a clone may contain and pam ignores anyway is told, and no reason to worry. */
import { type Check, tellOf } from '../../model/check.ts';
import type { CloneFacts, DirectoryFacts, ReceiveSettings } from '../../model/machine.ts';

export interface CloneSeen extends CloneFacts {
  readonly hasRemote: boolean;
}

export function judgeClone({ shallow, partial, grafts, replaced, hasRemote }: CloneSeen): Check[] {
  const { ok, warning, problem } = tellOf('repository');
  const checks: Check[] = [];
  if (shallow) {
    const cut = 'history is cut in this clone: an audit needs all of it';
    const hint = 'git fetch --unshallow';
    checks.push(
      hasRemote ? warning('E_GIT_SHALLOW', cut, hint) : problem('E_GIT_SHALLOW', cut, 'work in a full clone'),
    );
  } else checks.push(ok('E_GIT_SHALLOW', 'history is whole'));
  if (partial) {
    const message = 'this clone leaves objects out, and pam never fetches one on the way';
    checks.push(warning('E_GIT_PARTIAL', message, 'make a clone without --filter'));
  } else checks.push(ok('E_GIT_PARTIAL', 'no objects were left out'));
  const ignored = [...(replaced > 0 ? [`${replaced} replace refs`] : []), ...(grafts ? ['grafts'] : [])];
  if (ignored.length > 0) {
    const message = `this clone has ${ignored.join(' and ')}; pam ignores them, plain git shows other history`;
    checks.push(
      ok('E_GIT_REPLACED', message, 'git replace -l lists replace refs; grafts stand in info/grafts'),
    );
  }
  return checks;
}

/** A URL that holds a password gives it to everybody who can read the clone. It is never printed. */
export function judgeRemoteUrl(name: string, url: string): Check {
  const { ok, warning } = tellOf('remote');
  if (!/^[a-z]+:\/\/[^/@]*:[^/@]+@|^https:\/\/[^/@]+@/u.test(url))
    return ok('E_GIT_REMOTE', `remote ${name} is one that pam speaks to`);
  return warning(
    'W_GIT_CREDENTIALS',
    `the URL of remote ${name} holds credentials`,
    'use a credential helper, and a URL without user and password',
  );
}

/** Statement branches and the ledger stand as long as the server forbids to delete or rewrite them (DESIGN section 4). */
export function judgeReceive(settings: ReceiveSettings | null): Check[] {
  const { ok, problem, unknown } = tellOf('forge');
  if (settings === null) {
    const names = ['receive.denyDeletes', 'receive.denyNonFastForwards'];
    return names.map((name) =>
      unknown(
        'E_FORGE_RECEIVE',
        `whether the remote sets ${name} cannot be read from here`,
        `in the repository on the server: git config --bool ${name}   (it must say true)`,
      ),
    );
  }
  const { path, denyDeletes, denyNonFastForwards } = settings;
  const judge = (isOn: boolean, name: string, what: string): Check =>
    isOn
      ? ok('E_FORGE_RECEIVE', `the remote refuses to ${what}`)
      : problem(
          'E_FORGE_RECEIVE',
          `whoever may push may ${what} at the remote`,
          `git -C ${quoted(path)} config ${name} true`,
        );
  return [
    judge(denyDeletes, 'receive.denyDeletes', 'delete branches'),
    judge(denyNonFastForwards, 'receive.denyNonFastForwards', 'rewrite branches'),
  ];
}

/** As a shell takes it: the hint is there to be copied. */
const quoted = (path: string): string =>
  /^[\w./-]+$/u.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** Where pins and verified heads are kept: a writer there chooses what this machine believes. */
export function judgeMemory(path: string, { mode, ours, writable }: DirectoryFacts): Check[] {
  const { ok, problem } = tellOf('memory');
  if (!ours) {
    return [
      problem('E_MEM_OWNER', `${path} belongs to another user`, 'set XDG_STATE_HOME to a directory of yours'),
    ];
  }
  if (mode !== null && (mode & 0o022) !== 0) {
    return [problem('E_MEM_MODE', `others may write in ${path}`, `chmod 700 ${path}`)];
  }
  if (!writable) {
    const message = `${path} cannot be written: neither the root nor a verified head is remembered`;
    return [problem('E_MEM_WRITE', message, 'make it writable, or set XDG_STATE_HOME to a place that is')];
  }
  return [
    ok('E_MEM_MODE', mode === null ? 'nothing is remembered here yet' : 'what is remembered here is private'),
  ];
}
