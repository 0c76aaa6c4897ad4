/** The road of docs/plain-git.md, typed as it stands: five machines, real sshd, a real login, and none any more after the sweep. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dist, tempDir } from './program.ts';
import { type Edited, stepsOf, type Typed } from './road-document.ts';
import { type Machines, startMachines, whyNoMachines } from './road-machines.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const steps = stepsOf(readFileSync(join(project, 'docs/plain-git.md'), 'utf8'));

/** Where each key lies that the document writes as `AAAA...`. */
const KEYS: Readonly<Record<string, readonly [machine: string, path: string]>> = {
  alice: ['alice', '/home/alice/.ssh/id_ed25519.pub'],
  dana: ['dana', '/home/dana/.ssh/id_ed25519.pub'],
  pam: ['pam', '/srv/pam/.ssh/id_ed25519.pub'],
  'pam-sweep': ['pam', '/etc/pam/pam-sweep.pub'],
  'bastion-ca': ['pam', '/etc/pam/bastion-ca.pub'],
  bob: ['dana', '/tmp/bob.pub'],
};
const PLACEHOLDER = /ssh-ed25519 AAAA\.\.\.(\s+#)? ([a-z-]+)/gu;

/** What the last command of a step answers where that is not 0. */
const EXPECTED: readonly (readonly [RegExp, number])[] = [
  // Two settings of the remote that it cannot see.
  [/^pam doctor$/mu, 3],
  [/^ssh -o BatchMode=yes /mu, 255],
];

/** What a step prints that the document says of it. */
const PRINTED: readonly (readonly [part: string, printed: RegExp])[] = [
  ['pam init ', /trust root sha256:[0-9a-f]{64}/u],
  ['pam check', /good/u],
  ['pam catalog', /bastion-root/u],
  ['--certificate', /To use it/u],
  ['pam status --all', /ended|ending/u],
  ['pam log', /revoked, gone from the target/u],
];

const printedBy = (text: string): RegExp => PRINTED.find(([part]) => text.includes(part))?.[1] ?? /^/u;

const why = whyNoMachines();

describe.skipIf(why !== undefined)(`the plain-Git road (${why ?? 'real sshd'})`, () => {
  let machines: Machines;
  let root = 'sha256:...';
  let id = '7k3fq2';
  let timers = false;
  beforeAll(async () => {
    const dir = tempDir();
    const source = join(dir, 'source');
    mkdirSync(source);
    for (const path of ['bin', 'docs', 'schemas', 'package.json', 'README.md', 'LICENSE'])
      cpSync(join(project, path), join(source, path), { recursive: true });
    cpSync(dist(), join(source, 'dist'), { recursive: true });
    machines = await startMachines(dir, source);
    await must('dana', 'root', '.', "ssh-keygen -q -t ed25519 -N '' -f /tmp/bob; chmod 644 /tmp/bob.pub");
  });
  afterAll(() => {
    machines.stop();
  });

  async function must(machine: string, user: string, directory: string, text: string): Promise<string> {
    const { code, out, err } = await machines.type(machine, user, directory, text);
    const wanted = EXPECTED.find(([command]) => command.test(text))?.[1] ?? 0;
    if (code !== wanted) throw new Error(`exit ${code}, not ${wanted}:\n${text}\n${out}\n${err}`);
    return out;
  }

  async function filled(text: string): Promise<string> {
    let result = text.replaceAll('sha256:...', root).replaceAll('7k3fq2', id);
    for (const [whole, comment = '', name = ''] of text.matchAll(PLACEHOLDER)) {
      const [machine = '', path = ''] = KEYS[name] ?? [];
      const line = await must(machine, 'root', '.', `cut -d ' ' -f 1,2 ${path}`);
      result = result.replaceAll(whole, `${line.trim()}${comment} ${name}`);
    }
    return result;
  }

  /** What happens between two steps: the program goes from hand to hand, and the timers run. */
  async function meanwhile({ head, machine, text }: Typed): Promise<void> {
    if (head.includes('with the file from alice')) {
      const file = await must('alice', 'alice', 'pam', 'base64 pam-*.tgz');
      await must('dana', 'dana', '.', `base64 -d > pam-0.2.0.tgz <<'END'\n${file}END`);
    }
    if (timers && machine !== 'pam') await must('pam', 'root', '.', 'systemctl start pam-apply pam-sweep');
    timers ||= text.includes('systemctl enable ');
  }

  /** What was printed; for a file its new text. */
  async function take(step: Typed | Edited): Promise<string> {
    const text = await filled(step.text);
    if (step.kind === 'edited') {
      const changed = step.change(await must('alice', 'alice', 'access', `cat ${step.path}`), text);
      if (changed === undefined) throw new Error(`${step.path} has no such place: ${step.head}`);
      await must('alice', 'alice', 'access', `cat > ${step.path} <<'EOT'\n${changed.trimEnd()}\nEOT`);
      return changed;
    }
    await meanwhile(step);
    const out = await must(step.machine, step.user, step.directory, text);
    if (text.includes('pam init ')) root = /sha256:[0-9a-f]{64}/u.exec(out)?.[0] ?? root;
    if (text.includes('pam request ')) id = /\d{8}-[a-z-]+-([a-z0-9]{6})/u.exec(out)?.[1] ?? id;
    return out;
  }

  for (const [number, step] of steps.entries()) {
    test(`${number + 1}: ${step.head}`, async () => {
      const out = await take(step);
      expect(out).toMatch(
        step.kind === 'edited' ? (step.text.split('\n', 1)[0] ?? '') : printedBy(step.text),
      );
    });
  }

  test('two grants were made, and both have ended', async () => {
    await must('pam', 'root', '.', 'systemctl start pam-sweep pam-apply');
    const told = await must('alice', 'alice', 'access', `git fetch --quiet\npam audit --root ${root}`);
    expect(told).toContain('2 grants, 2 revocations, 0 live');
  });
});

test('the road is there to be typed', () => {
  expect(steps.length).toBeGreaterThan(30);
  expect(steps.some(({ text }) => /^ssh root@/mu.test(text))).toBe(true);
});

test('its script is one that sh reads', () => {
  expect(spawnSync('sh', ['-n', join(project, 'docs/examples/take-list')]).status).toBe(0);
});
