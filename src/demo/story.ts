/**
 * The story that `pam demo` tells: commands that a person could type, each with the exit code that it must have.
 * Lines that begin with `#` are shell comments, so the whole transcript can be typed. `{id}` and `{root}` are
 * filled from what earlier commands printed.
 */
export interface Line {
  readonly say?: string;
  /** The directory that it is typed in; where that changes, the story types `cd`. Default: the one before. */
  readonly at?: 'start' | 'access' | 'tampered';
  readonly run: string;
  readonly exit: number;
  /** Before it, the demo writes `access/policy/`, as a person with an editor would. */
  readonly writesPolicy?: true;
  /** Named parts to remember from the output, for later lines. */
  readonly keep?: Readonly<Record<string, RegExp>>;
}

const as = (person: string): string => `--as ${person} --key ../keys/${person}`;
const EXECUTOR = '--executor pam-apply --executor-key ../keys/pam-apply';

/** @param seconds how long the grant lasts */
export const story = (seconds: number): readonly Line[] => [
  {
    say: 'Keys for two people, for the executor (a machine), and for the SSH certificate authority.',
    run: 'mkdir keys && for name in alice dana pam-apply ca; do ssh-keygen -q -t ed25519 -N "" -C $name -f keys/$name; done',
    exit: 0,
  },
  {
    say: 'The policy: who may ask for root on the bastion, for how long at most, and who must sign.',
    writesPolicy: true,
    run: 'cat access/policy/roles.yaml',
    exit: 0,
  },
  {
    say: 'An access repository. From here on nothing is granted that alice did not sign for.',
    run: 'pam init access --as alice --key keys/alice --executor pam-apply --executor-key keys/pam-apply',
    exit: 0,
    keep: { root: /(sha256:[0-9a-f]{64})/u },
  },
  {
    at: 'access',
    say: 'Dana asks. Policy wants a ticket, so this one goes nowhere (exit 5: refused).',
    run: `pam request bastion-root --for ${seconds}s --reason "Disk full, checkout down" ${as('dana')}`,
    exit: 5,
  },
  {
    run: `pam request bastion-root --for ${seconds}s --reason "Disk full, checkout down" --ticket OPS-4211 ${as('dana')}`,
    exit: 0,
    keep: { id: /([0-9]{8}-bastion-root-[a-z0-9]{6})/u },
  },
  { say: 'She cannot approve her own request.', run: `pam approve {id} ${as('dana')} --yes`, exit: 5 },
  { say: 'Alice looks at all there is to know, and signs exactly that.', run: 'pam show {id}', exit: 0 },
  { run: `pam approve {id} ${as('alice')} --yes`, exit: 0 },
  {
    say: 'After the approval somebody changes one character: alice signed for other bytes, and so did dana.',
    run: 'git checkout -q pam/{id} && sed -i.old "s/full,/full;/" requests/*/*/{id}.yaml && git commit -qam "one character" && git checkout -q main',
    exit: 0,
  },
  { run: 'pam check --proposal {id}', exit: 5 },
  {
    say: 'Without the change the approval counts again. Merging alone grants nothing; apply decides from the evidence.',
    run: 'git update-ref refs/heads/pam/{id} pam/{id}~1 && pam check --proposal {id}',
    exit: 0,
  },
  { run: 'pam merge {id} --as alice', exit: 0 },
  { run: `pam apply ${EXECUTOR}`, exit: 0 },
  {
    say: 'The access is a real SSH certificate, for that principal and those seconds.',
    run: 'pam status {id} --certificate > ../dana-cert.pub && ssh-keygen -L -f ../dana-cert.pub',
    exit: 0,
  },
  {
    say: 'Its end comes. The certificate has expired by itself; sweep revokes it too, and says so in the ledger.',
    run: `sleep ${seconds}`,
    exit: 0,
  },
  { run: `pam sweep ${EXECUTOR}`, exit: 0 },
  {
    say: 'The revocation list that the hosts read has it now (exit 1: revoked).',
    run: 'ssh-keygen -Q -f ../revoked.krl ../dana-cert.pub',
    exit: 1,
  },
  {
    say: 'The audit log is Git history. Audit verifies every signature and decides everything again.',
    run: 'git log --format=%s pam-ledger',
    exit: 0,
  },
  { run: 'pam audit --root {root}', exit: 0 },
  {
    say: "Nobody has to believe pam: alice's approval, verified with stock ssh-keygen.",
    run: 'pam show {id} --evidence ../evidence > /dev/null && ssh-keygen -Y verify -f ../evidence/allowed_signers -I alice -n pam-approval-v1@pam -s ../evidence/approval-alice.txt.sig < ../evidence/approval-alice.txt',
    exit: 0,
  },
  {
    at: 'start',
    say: 'Somebody rewrites the newest ledger entry in a copy, to blame another executor.',
    run: 'git clone -q -b pam-ledger access tampered',
    exit: 0,
  },
  {
    at: 'tampered',
    run: 'sed -i.old \'s/"executor":"pam-apply"/"executor":"pam-night"/\' entry.json && git commit -q --amend --no-edit entry.json',
    exit: 0,
  },
  {
    say: 'What its executor did not sign counts for nothing, and audit misses the end that it told (exit 20: integrity).',
    run: 'pam audit --root {root}',
    exit: 20,
  },
];
