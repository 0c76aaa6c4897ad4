/** Two lines for the end of each help page: the usual one, and one that shows what else there is. A test reads each as pam would. */

/** By command: what is typed after `pam`, and what for. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [typed: string, why: string])[]>> = {
  catalog: [
    ['catalog', 'every role'],
    ['catalog bastion-root', 'one in full: what it gives, what it asks for, who approves'],
  ],
  request: [
    ['request', 'asks on a terminal for all that is needed'],
    ['request bastion-root --for 45m --ticket OPS-4211 --reason "disk full on bastion"', 'in one line'],
  ],
  status: [
    ['status --mine', 'what is mine, and what waits for me'],
    ['status 7k3fq2', 'one request by the end of its id, and how to use the access'],
  ],
  show: [
    ['show 7k3fq2', 'all that a decision rests on'],
    ['show 7k3fq2 --evidence proof', 'the signatures as files, for ssh-keygen -Y verify'],
  ],
  approve: [
    ['approve', 'choose among what waits for me; shows what would be granted, asks, and signs'],
    ['approve 7k3fq2 --reason "alice is on leave"', 'as a fallback approver'],
  ],
  deny: [
    ['deny 7k3fq2 --reason "use the read-only role"', 'as an approver'],
    ['deny 7k3fq2', 'takes back a request of mine'],
  ],
  keys: [
    ['keys line ~/.ssh/id_ed25519.pub', 'the line to write below keys: in policy/people.yaml'],
    ['keys line id_ed25519_sk.pub --json', 'with its fingerprint and kind, for a script'],
  ],
  merge: [
    ['merge 7k3fq2', 'puts the request on main once it is approved'],
    ['merge 7k3fq2 --json', 'the commit, for a script'],
  ],
  revoke: [
    ['revoke 7k3fq2 --reason "done"', 'asks, and ends the access'],
    ['revoke 7k3fq2 --reason "laptop stolen" --yes', 'without a question'],
  ],
  done: [
    ['done 7k3fq2', 'asks, and gives the access back'],
    ['done 7k3fq2 --yes', 'without a question'],
  ],
  init: [
    ['init access --remote git@git.example:access.git --as alice --key ~/.ssh/id_ed25519', 'for a team'],
    ['init access --github acme/access --account alice=1234567', 'with the workflows for GitHub'],
    ['init --github acme/access --apply-settings', 'what has to be switched on there, each asked for first'],
  ],
  check: [
    ['check', 'the policy and the requests of this work tree, before they are pushed'],
    ['check --proposal 7k3fq2', 'one proposal with its signatures'],
  ],
  ratify: [
    ['ratify', 'signs the policy that is checked out here, as its next version'],
    ['ratify 12', 'the policy of a pull request'],
  ],
  schema: [
    ['schema', 'the names'],
    ['schema roles', 'of policy/roles.yaml'],
  ],
  plan: [
    ['plan', 'what is due'],
    ['plan --exit-code', '10 when there is work, for a script'],
  ],
  apply: [
    ['apply --executor pam-apply --executor-key ~/keys/pam-apply', 'everything that is due'],
    ['apply --watch', 'as a service, with PAM_EXECUTOR and PAM_EXECUTOR_KEY set: it sweeps as well'],
  ],
  sweep: [
    ['sweep --executor pam-sweep --executor-key ~/keys/pam-sweep', 'once, for a timer'],
    ['sweep --watch', 'as a service: at the next end, and at least once a minute'],
  ],
  log: [
    ['log --since 7d --person dana', 'a week of one person'],
    ['log 7k3fq2', 'the life of one request'],
  ],
  audit: [
    ['audit --root sha256:5f0c...', 'against the trust root that you wrote down'],
    ['audit --write-checkpoint june.json', 'and keep how far it was verified'],
  ],
  setup: [
    ['setup', 'asks for both'],
    ['setup --as alice --key ~/.ssh/id_ed25519', 'without a question'],
  ],
  whoami: [
    ['whoami', 'who, with which key, and what is missing'],
    ['whoami --as alice --json', 'the same about another name, for a script'],
  ],
  doctor: [
    ['doctor', 'what needs doing'],
    ['doctor --all', 'what is in order, too'],
    ['doctor --notices', 'a test to each receiver of notices'],
  ],
  completion: [
    ['completion bash', 'add to ~/.bashrc: source <(pam completion bash)'],
    ['completion fish', 'into ~/.config/fish/completions/pam.fish'],
  ],
  demo: [
    ['demo', 'in a directory of its own that is gone afterwards'],
    ['demo --color never', 'for a page that is to be read later'],
  ],
};

/** For the end of a help page. */
export function examplesOf(name: string): string | undefined {
  const lines = EXAMPLES[name]?.map(([typed, why]) => `  pam ${typed}\n      ${why}\n`);
  return lines === undefined ? undefined : `\nExamples:\n${lines.join('')}`;
}
