/**
 * Everything in `src/` that reads bytes which somebody else may have written, and where hostile bytes are put before
 * it. `readers.test.ts` reads the source: a reader that is not named here fails it, and so does a name that is none.
 */

/** Where hostile bytes come from, in the tests of this house. */
export type Tried =
  /** `failing-doors.test.ts`: every call fails. */
  | 'doors'
  /** `hostile-trees.test.ts`, `hostile-places.test.ts`: objects in the remote. */
  | 'objects'
  /** `clone-files.test.ts`, `hostile-clone.test.ts`: files of a clone. */
  | 'clone'
  /** It writes, or answers with nothing that was read. */
  | 'writes'
  /** Files of this machine and of its own user: nobody who may only push has a say in them. */
  | 'ours';

/** Methods of the port to Git (`model/git.ts`, `Repository`). */
export const REPOSITORY: Readonly<Record<string, readonly Tried[]>> = {
  gitDir: ['ours'],
  workTree: ['ours'],
  resolve: ['doors', 'objects', 'clone'],
  refs: ['doors', 'objects', 'clone'],
  history: ['doors', 'objects'],
  commitLog: ['objects'],
  messages: ['objects'],
  isAncestor: ['doors', 'objects'],
  mergeBase: ['objects'],
  mergeBases: ['objects'],
  list: ['doors', 'objects'],
  names: ['doors', 'objects'],
  read: ['doors', 'objects'],
  writeCommit: ['doors', 'writes'],
  moveRef: ['writes'],
  moveRefs: ['writes'],
  remote: ['doors', 'clone'],
};

/** Methods of the port to a remote (`model/git.ts`, `Remote`). */
export const REMOTE: Readonly<Record<string, readonly Tried[]>> = {
  url: ['clone'],
  list: ['doors', 'objects'],
  fetch: ['doors', 'objects'],
  fetchLarge: ['doors', 'objects'],
  push: ['doors', 'writes'],
  deepen: ['objects'],
};

/** Source files that open files of this machine. */
export const FILES: Readonly<Record<string, readonly Tried[]>> = {
  'commands/audit.ts': ['ours'],
  'commands/init-github.ts': ['ours'],
  'commands/job-summary.ts': ['ours'],
  'commands/setup.ts': ['ours'],
  'commands/signing-options.ts': ['ours'],
  'commands/vendored-program.ts': ['ours'],
  'commands/watching.ts': ['ours'],
  'context.ts': ['clone'],
  'demo/policy.ts': ['ours'],
  'files/plain-file.ts': ['clone'],
  'flows/people/check-file.ts': ['clone'],
  'flows/people/check-policy.ts': ['clone'],
  'flows/people/policy-branch.ts': ['clone'],
  'git/bring-along.ts': ['clone'],
  'git/check-object-files.ts': ['clone'],
  'git/examine-clone.ts': ['clone'],
  'git/find-repository.ts': ['clone'],
  'git/incoming.ts': ['objects'],
  'git/line.ts': ['clone'],
  'git/plain-clone.ts': ['clone'],
  'git/read-config.ts': ['clone'],
  'git/read-ref.ts': ['clone'],
  'git/refs.ts': ['clone'],
  'git/remote-url.ts': ['clone'],
  'git/user-settings.ts': ['clone'],
  'github/access-token.ts': ['ours'],
  'memory/earlier-memory.ts': ['ours'],
  'memory/examine-directory.ts': ['ours'],
  'memory/kept-heads.ts': ['ours'],
  'process/person-here.ts': ['ours'],
  'signing/agent-of-ssh.ts': ['ours'],
  'signing/key-file.ts': ['ours'],
  'signing/named-key.ts': ['ours'],
  'signing/private-key-of.ts': ['ours'],
  'signing/public-file.ts': ['ours'],
  'signing/sign-as-executor.ts': ['ours'],
  'signing/ssh-keygen.ts': ['ours'],
  'targets/file-lock.ts': ['ours'],
  'targets/ssh-ca/ca-key-file.ts': ['ours'],
  'targets/ssh-ca/issue-certificate.ts': ['ours'],
  'targets/ssh-ca/krl-file.ts': ['ours'],
  'targets/command/plugin-path.ts': ['ours'],
  'targets/ssh-ca/ssh-ca-config.ts': ['ours'],
  'targets/sudoers/host-needs.ts': ['ours'],
  'targets/sudoers/sudoers-session.ts': ['ours'],
  'targets/sudoers/sudoers-files.ts': ['ours'],
};
