/**
 * Everything that a stranger can put into the `.git` of a clone, or into an environment, so that git runs a program
 * of his. Each trick leaves a canary: a file with the trick's name in a directory of its own.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Trick {
  readonly name: string;
  readonly config: (evil: string) => Readonly<Record<string, string>>;
  /** What a person with plain git might type for it to run; without it, only newer gits or terminals run it. */
  readonly sings?: readonly (readonly string[])[];
  /** Given to that git on stdin. */
  readonly stdin?: string;
}

/** `evil` is a command line that leaves the canary. Values of a clone's own `.git/config`. */
export const TRICKS: readonly Trick[] = [
  { name: 'fsmonitor', config: (evil) => ({ 'core.fsmonitor': evil }), sings: [['status']] },
  {
    name: 'ssh',
    config: (evil) => ({ 'core.sshCommand': evil }),
    sings: [['ls-remote', 'ssh://127.0.0.1/x']],
  },
  { name: 'pager', config: (evil) => ({ 'core.pager': evil, 'pager.log': evil, 'pager.status': evil }) },
  {
    name: 'editor',
    config: (evil) => ({ 'core.editor': evil }),
    sings: [['commit', '--amend']],
  },
  {
    name: 'sequence',
    config: (evil) => ({ 'sequence.editor': evil }),
    sings: [['rebase', '-i', '--root']],
  },
  {
    name: 'gpg',
    config: (evil) => ({ 'gpg.program': evil, 'commit.gpgSign': 'true' }),
    sings: [['commit', '--allow-empty', '-m', 'x']],
  },
  {
    name: 'gpg-ssh',
    config: (evil) => ({ 'gpg.ssh.program': evil, 'gpg.format': 'ssh', 'user.signingKey': '/dev/null' }),
    sings: [['commit', '-S', '--allow-empty', '-m', 'x']],
  },
  {
    name: 'gpg-default-key',
    config: (evil) => ({ 'gpg.format': 'ssh', 'gpg.ssh.defaultKeyCommand': evil }),
    sings: [['commit', '-S', '--allow-empty', '-m', 'x']],
  },
  {
    name: 'diff',
    config: (evil) => ({ 'diff.external': evil }),
    sings: [['diff', 'HEAD~1', 'HEAD']],
  },
  {
    name: 'diff-driver',
    config: (evil) => ({ 'diff.canary.command': evil }),
    sings: [['diff', 'HEAD~1', 'HEAD']],
  },
  {
    name: 'textconv',
    config: (evil) => ({ 'diff.canary.textconv': evil }),
    sings: [['diff', 'HEAD~1', 'HEAD']],
  },
  {
    name: 'clean',
    config: (evil) => ({ 'filter.canary.clean': evil }),
    sings: [['add', '--renormalize', '.']],
  },
  {
    name: 'smudge',
    config: (evil) => ({ 'filter.canary.smudge': evil }),
    sings: [['archive', 'HEAD']],
  },
  {
    name: 'process',
    config: (evil) => ({ 'filter.canary.process': evil }),
    sings: [['archive', 'HEAD']],
  },
  {
    name: 'merge-driver',
    config: (evil) => ({ 'merge.canary.driver': evil }),
    sings: [
      ['merge-file', '-p', 'one', 'one', 'one'],
      ['cherry-pick', 'side'],
    ],
  },
  {
    name: 'archiver',
    config: (evil) => ({ 'tar.canary.command': evil }),
    sings: [['archive', '--format=canary', 'HEAD']],
  },
  {
    name: 'credential',
    config: (evil) => ({ 'credential.helper': `!${evil}` }),
    sings: [['credential', 'fill']],
    stdin: 'protocol=https\nhost=127.0.0.1\n',
  },
  {
    name: 'askpass',
    config: (evil) => ({ 'core.askPass': evil }),
    sings: [['credential', 'fill']],
    stdin: 'protocol=https\nhost=127.0.0.1\n',
  },
  {
    name: 'proxy',
    config: (evil) => ({ 'core.gitProxy': evil }),
    sings: [['ls-remote', 'git://127.0.0.1:9/x']],
  },
  {
    name: 'alias',
    config: (evil) => ({ 'alias.canary': `!${evil}`, 'alias.rev-list': `!${evil}` }),
    sings: [['canary']],
  },
  {
    name: 'upload',
    config: (evil) => ({ 'remote.origin.uploadpack': `${evil};: ` }),
    sings: [['fetch', 'origin']],
  },
  {
    name: 'receive',
    config: (evil) => ({ 'remote.origin.receivepack': `${evil};: ` }),
    sings: [['push', 'origin', 'HEAD:refs/heads/x']],
  },
  {
    name: 'push-url',
    config: (evil) => ({ 'remote.origin.pushurl': ext(evil), 'protocol.ext.allow': 'always' }),
    sings: [['push', 'origin', 'HEAD:refs/heads/x']],
  },
  {
    name: 'instead-of',
    config: (evil) => ({ [`url.${ext(evil)}.insteadOf`]: '/', 'protocol.ext.allow': 'always' }),
    sings: [['fetch', 'origin']],
  },
  {
    name: 'vcs',
    config: (evil) => ({
      'remote.other.vcs': 'ext',
      'remote.other.url': ext(evil).slice(5),
      'PROTOCOL.ext.ALLOW': 'always',
    }),
    sings: [['fetch', 'other']],
  },
  {
    name: 'alternate-refs',
    config: (evil) => ({ 'core.alternateRefsCommand': evil }),
  },
  {
    name: 'pack-objects-hook',
    config: (evil) => ({ 'uploadpack.packObjectsHook': evil }),
  },
  {
    name: 'trailer',
    config: (evil) => ({ 'trailer.canary.command': evil, 'trailer.canary.ifmissing': 'add' }),
    sings: [['interpret-trailers']],
    stdin: 'x\n',
  },
  {
    name: 'submodule',
    config: (evil) => ({ 'submodule.sub.update': `!${evil}`, 'submodule.sub.url': '/nowhere' }),
  },
  {
    name: 'tools',
    config: (evil) => ({
      'difftool.canary.cmd': evil,
      'mergetool.canary.cmd': evil,
      'diff.tool': 'canary',
      'browser.canary.cmd': evil,
      'sendemail.sendmailCmd': evil,
      'interactive.diffFilter': evil,
      'gc.recentObjectsHook': evil,
      'core.hideRefsCommand': evil,
    }),
    sings: [['difftool', '-y', 'HEAD~1', 'HEAD']],
  },
];

const HOOKS = [
  'applypatch-msg',
  'commit-msg',
  'fsmonitor-watchman',
  'post-applypatch',
  'post-checkout',
  'post-commit',
  'post-index-change',
  'post-merge',
  'post-receive',
  'post-rewrite',
  'post-update',
  'pre-applypatch',
  'pre-auto-gc',
  'pre-commit',
  'pre-merge-commit',
  'pre-push',
  'pre-rebase',
  'pre-receive',
  'prepare-commit-msg',
  'proc-receive',
  'push-to-checkout',
  'reference-transaction',
  'sendemail-validate',
  'update',
];

/** The command that leaves the canary `name`: a script of its own, so that no quoting is in the way. */
export function canary(canaries: string, name: string): string {
  const script = join(canaries, 'bin', name);
  if (!existsSync(script)) put(script, `#!/bin/sh\ntouch '${join(canaries, 'sang', name)}'\nexit 1\n`);
  mkdirSync(join(canaries, 'sang'), { recursive: true });
  return script;
}

const ext = (evil: string): string => `ext::${evil} %S `;

/** Config lines as git writes them, so that keys of any spelling go in. */
export function configText(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
    .map(([key, value]) => {
      const [section = '', ...rest] = key.split('.');
      const name = rest.pop() ?? '';
      const below = rest.length === 0 ? '' : ` "${rest.join('.')}"`;
      return `[${section}${below}]\n\t${name} = ${JSON.stringify(value)}\n`;
    })
    .join('');
}

/** All tricks at once, by every door that a clone has. @param gitDir its `.git` */
export function poison(gitDir: string, canaries: string): void {
  const all = configText(
    Object.assign({}, ...TRICKS.map(({ name, config }) => config(canary(canaries, name)))) as Record<
      string,
      string
    >,
  );
  const by = (door: string): string => configText({ 'core.fsmonitor': canary(canaries, door) });
  const evil = join(canaries, 'evil-hooks');
  write(join(gitDir, 'included'), by('include'));
  write(join(gitDir, 'included-if'), by('include-if'));
  write(join(gitDir, 'config.worktree'), by('config-worktree'));
  append(
    join(gitDir, 'config'),
    `${all}[core]\n\thooksPath = ${evil}\n[log]\n\tshowSignature = true\n[extensions]\n\tworktreeConfig = true\n` +
      `[include]\n\tpath = included\n[includeIf "gitdir:**"]\n\tpath = included-if\n[gc]\n\tauto = 1\n[maintenance]\n\tauto = true\n` +
      `[fetch]\n\trecurseSubmodules = yes\n\twriteCommitGraph = true\n[push]\n\tgpgSign = true\n[transfer]\n\tfsckObjects = false\n`,
  );
  for (const folder of [evil, join(gitDir, 'hooks')]) {
    for (const hook of HOOKS) {
      put(join(folder, hook), `#!/bin/sh\n${canary(canaries, `hook-${hook}`)}\n`);
    }
  }
  write(join(gitDir, 'info', 'attributes'), '* filter=canary diff=canary merge=canary eol=crlf ident\n');
}

/** Variables that git, or a program that git starts, obeys. `elsewhere` is some other repository. */
export function poisonedEnvironment(canaries: string, elsewhere: string): Readonly<Record<string, string>> {
  const evil = (name: string): string => canary(canaries, `env-${name}`);
  const config = join(canaries, 'env-config');
  write(
    config,
    configText({ 'core.fsmonitor': evil('config'), 'core.hooksPath': join(canaries, 'evil-hooks') }),
  );
  for (const name of [
    'rev-parse',
    'rev-list',
    'cat-file',
    'for-each-ref',
    'ls-tree',
    'ls-remote',
    'fast-import',
  ]) {
    put(join(canaries, 'exec-path', `git-${name}`), `#!/bin/sh\n${evil('exec-path')}\n`);
  }
  return {
    GIT_DIR: elsewhere,
    GIT_COMMON_DIR: elsewhere,
    GIT_WORK_TREE: elsewhere,
    GIT_INDEX_FILE: join(elsewhere, 'index'),
    GIT_OBJECT_DIRECTORY: join(elsewhere, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(elsewhere, 'objects'),
    GIT_NAMESPACE: 'evil',
    GIT_REPLACE_REF_BASE: 'refs/heads/',
    GIT_GRAFT_FILE: join(canaries, 'grafts'),
    GIT_SHALLOW_FILE: join(canaries, 'shallow'),
    GIT_CONFIG: config,
    GIT_CONFIG_SYSTEM: config,
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: evil('config-value'),
    GIT_CONFIG_KEY_1: 'core.pager',
    GIT_CONFIG_VALUE_1: evil('config-pager'),
    GIT_CONFIG_PARAMETERS: `'core.fsmonitor'='${evil('config-parameters')}'`,
    GIT_EXTERNAL_DIFF: evil('diff'),
    GIT_PAGER: evil('git-pager'),
    PAGER: evil('pager'),
    LESSOPEN: `|${evil('lessopen')} %s`,
    GIT_EDITOR: evil('git-editor'),
    GIT_SEQUENCE_EDITOR: evil('sequence'),
    EDITOR: evil('editor'),
    VISUAL: evil('visual'),
    BROWSER: evil('browser'),
    GIT_PROXY_COMMAND: evil('proxy'),
    GIT_TEMPLATE_DIR: join(canaries, 'evil-hooks'),
    GIT_EXEC_PATH: join(canaries, 'exec-path'),
    GIT_ALLOW_PROTOCOL: 'ext:file:git:https',
    GIT_DEFAULT_HASH: 'sha256',
    GIT_TRACE: join(canaries, 'sang', 'env-trace'),
    GIT_TRACE2_EVENT: join(canaries, 'sang', 'env-trace2'),
    GIT_TRACE_PACKET: join(canaries, 'sang', 'env-trace-packet'),
    GIT_SSH_COMMAND: evil('ssh'),
    GIT_ASKPASS: evil('askpass'),
    SSH_ASKPASS: evil('ssh-askpass'),
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function put(path: string, text: string): void {
  write(path, text);
  chmodSync(path, 0o755);
}

function append(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'a' });
}
