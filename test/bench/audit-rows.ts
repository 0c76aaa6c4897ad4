/**
 * Audit. Before anything is timed, one random signature of the very history is broken, and audit has to name that
 * entry: a figure of an audit that does not look would be worth nothing.
 */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printCheckpoint } from '../../src/documents/checkpoint-file.ts';
import { instantOf } from '../../src/model/instant.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { verifySshsig } from '../../src/trust/sshsig.ts';
import { copyOf, git } from './access.ts';
import { keyNamed } from './keys.ts';
import { type History, KEY_NAMES, makeHistory, plainEnvironment } from './make-history.ts';
import {
  cpuOf,
  interleave,
  median,
  must,
  pamWatched,
  PLACE,
  PROJECT,
  run,
  timed,
  type Watched,
} from './measure.ts';
import { ms, type Row, type Scale } from './report.ts';

const SIGNATURES = 2000;

function aSignature(): { readonly check: () => boolean } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const data = Buffer.alloc(120, 1);
  const signature = sign(null, data, privateKey);
  return { check: () => verify(null, data, publicKey, signature) };
}

/** What OpenSSL takes of the processors for so many signatures, with a key that is parsed already; milliseconds. */
function cpuOfSignatures(signatures: number): number {
  const { check } = aSignature();
  const good: boolean[] = [];
  const took = cpuOf(() => good.push(...Array.from({ length: SIGNATURES }, check)));
  if (!good.every(Boolean)) throw new Error('a good signature was refused');
  return (took / SIGNATURES) * signatures;
}

export async function oneSignatureRow(scale: Scale): Promise<Row> {
  const { check } = aSignature();
  const key = keyNamed('alice');
  const message = Buffer.alloc(2000, 'x');
  const armors = Array.from({ length: SIGNATURES }, (_, at) => ({
    message: Buffer.concat([message, Buffer.from(String(at))]),
    armor: '',
  })).map((one) => ({ ...one, armor: key.sign(one.message, LEDGER_NAMESPACE), namespace: LEDGER_NAMESPACE }));
  const [floor = Number.NaN, ours = Number.NaN] = await interleave(scale.rounds * 2, [
    async () => await timed(() => void Array.from({ length: SIGNATURES }, check)),
    async () => await timed(() => armors.forEach((one) => verifySshsig(one))),
  ]);
  const ratio = ours / floor;
  const speed = spawnSync('openssl', ['speed', '-seconds', '1', 'ed25519'], { encoding: 'utf8' });
  const perSecond = Number(/Ed25519\).*?([\d.]+)\s*$/mu.exec(speed.stdout)?.[1] ?? Number.NaN);
  return {
    name: 'signature',
    job: 'verify one SSHSIG in process (2 kB message)',
    figure: ms(ours / SIGNATURES),
    against: `node:crypto.verify, key parsed: ${ms(floor / SIGNATURES)}${Number.isNaN(perSecond) ? '' : `; openssl speed: ${ms(1000 / perSecond)}`}`,
    ratio,
    goal: '<= 1.2x',
    met: ratio <= 1.2,
    peak: null,
    numbers: { pam_ms: ours / SIGNATURES, node_ms: floor / SIGNATURES, openssl_ms: 1000 / perSecond },
  };
}

/** The newest entries gone, and one before them with another byte in the middle of its signature. */
async function breakOne(
  history: History,
  to: string,
): Promise<{ readonly dir: string; readonly seq: number }> {
  const seq = 2 + Math.floor(Math.random() * (history.seq - 1));
  const dir = copyOf(history.dir, to);
  const oldest = (await git(dir, 'rev-list', '--reverse', 'refs/heads/pam-ledger')).split('\n');
  const armor = `${await git(dir, 'show', `${oldest[seq] ?? ''}:entry.json.sig`)}\n`;
  const lines = armor.split('\n');
  // The last line of the base64 holds nothing but the end of the signature's arithmetic.
  const line = lines[lines.length - 3] ?? '';
  lines[lines.length - 3] = `${line[0] === 'A' ? 'B' : 'A'}${line.slice(1)}`;
  const broken = lines.join('\n');
  const after = oldest.slice(seq, seq + 50);
  const trees = await Promise.all(after.map(async (oid) => await git(dir, 'rev-parse', `${oid}^{tree}`)));
  const commits = trees.map((tree, at) => {
    const head = `commit refs/heads/pam-ledger\ncommitter bench <bench@pam> ${1_700_000_000 + at} +0000\ndata 1\nx\n`;
    const from = at === 0 ? `from ${oldest[seq - 1] ?? ''}\n` : '';
    const change = at === 0 ? `M 100644 inline entry.json.sig\ndata ${broken.length}\n${broken}\n` : '';
    return `${head}${from}M 040000 ${tree} ""\n${change}`;
  });
  const input = `reset refs/heads/pam-ledger\n${commits.join('')}done\n`;
  const made = spawnSync('git', ['-C', dir, 'fast-import', '--quiet', '--force', '--done'], {
    env: plainEnvironment(),
    input,
  });
  if (made.status !== 0) throw new Error(`git fast-import: ${String(made.stderr)}`);
  return { dir, seq };
}

async function auditOf(
  history: Pick<History, 'dir' | 'root'>,
  more: readonly string[] = [],
): Promise<Watched> {
  const ran = await pamWatched(['audit', '--json', '--root', history.root, '-C', history.dir, ...more]);
  if (ran.code !== 0)
    throw new Error(`pam audit: exit ${String(ran.code)}: ${ran.err.slice(-500)} ${ran.out.slice(0, 1500)}`);
  return ran;
}

const NAMES_IT: ReadonlySet<string> = new Set(['E_SIGNATURE', 'W_LED_JUNK', 'E_LED_CHAIN']);

async function mustNameTheBroken(history: History, place: string): Promise<void> {
  const { dir, seq } = await breakOne(history, place);
  const { code, out } = await pamWatched(['audit', '--json', '--root', history.root, '-C', dir]);
  const { findings } = JSON.parse(out) as {
    readonly findings: readonly { readonly code: string; readonly seq: number }[];
  };
  // An entry that no executor signed is none: junk, and the chain breaks there.
  const named = findings.some((one) => one.seq === seq && NAMES_IT.has(one.code));
  if (code !== 20 || !named) {
    const said = findings
      .slice(0, 3)
      .map((one) => `${one.code} at ${one.seq}`)
      .join(', ');
    throw new Error(
      `audit did not name entry ${seq}, whose signature is broken; exit ${String(code)}, ${said}`,
    );
  }
}

export async function auditRow(scale: Scale): Promise<Row> {
  const now = instantOf(Date.now());
  const history = await makeHistory(join(PLACE, 'audit.git'), {
    past: scale.audited,
    live: 50,
    due: false,
    now,
    remote: false,
  });
  await mustNameTheBroken(history, join(PLACE, 'audit-broken.git'));
  const some = 40;
  const few = await makeHistory(join(PLACE, 'audit-few.git'), {
    past: some,
    live: 0,
    due: false,
    now,
    remote: false,
  });
  let peak = 0;
  const times: number[] = [];
  const script = scriptOver(few.dir);
  const [limit = Number.NaN, shell = Number.NaN, ours = Number.NaN] = await interleave(scale.rounds, [
    () => cpuOfSignatures(history.signatures),
    async () => (await script()) * ((scale.audited + 50) / some),
    async () => {
      const ran = await auditOf(history);
      peak = Math.max(peak, ran.peak);
      times.push(ran.ms);
      return ran.cpu;
    },
  ]);
  const ratio = ours / limit;
  const took = median(times);
  return {
    name: 'audit',
    job: `\`pam audit\` of ${scale.audited} grants (${history.signatures} signatures, ${history.seq + 1} entries), CPU`,
    figure: ms(ours),
    against: `its signatures alone, by OpenSSL: ${ms(limit)}; by the clock ${ms(took)}, audit.sh from ${some} grants ${ms(shell)} (${(shell / took).toFixed(0)}x)`,
    ratio,
    goal: '<= 3.5x',
    met: ratio <= 3.5,
    peak,
    numbers: {
      cpu_ms: ours,
      limit_cpu_ms: limit,
      pam_ms: took,
      shell_ms: shell,
      signatures: history.signatures,
    },
  };
}

/** The script itself stands in the source, not in the bundle. */
function scriptOver(repository: string): () => Promise<number> {
  const signers = join(PLACE, 'allowed_signers');
  writeFileSync(signers, KEY_NAMES.map((name) => `${name} ${keyNamed(name).line}\n`).join(''));
  const file = join(PROJECT, 'test', 'bench', 'audit.sh');
  let turn = 0;
  return async () => {
    const scratch = join(PLACE, `scratch-${(turn += 1)}`);
    mkdirSync(scratch);
    return (await must(run('sh', [file, repository, signers, scratch]))).ms;
  };
}

/** Once over everything, and once more from a checkpoint of yesterday, as an auditor who comes every day. */
export async function auditLargeRow(scale: Scale, history: History): Promise<readonly Row[]> {
  const tenth = await makeHistory(join(PLACE, 'audit-tenth.git'), {
    past: scale.large / 10,
    live: 50,
    due: false,
    now: history.now,
    remote: false,
  });
  const rounds = scale.quick ? scale.rounds : 1;
  let peak = 0;
  const audit = async (one: History): Promise<number> => {
    const ran = await auditOf(one);
    peak = Math.max(peak, ran.peak);
    return ran.ms;
  };
  const small: number[] = [];
  const large: number[] = [];
  for (let round = 0; round < rounds; round++) {
    small.push(await audit(tenth));
    large.push(await audit(history));
  }
  const [a = Number.NaN, b = Number.NaN] = [small, large].map(
    (all) => all.reduce((x, y) => x + y, 0) / all.length,
  );
  const perGrant = a / (scale.large / 10 + 50);
  const ratio = b / (scale.large + 50) / perGrant;
  const met = ratio <= 1.25 && peak <= 250;
  return [
    {
      name: 'audit-large',
      job: `\`pam audit\` of ${scale.large} grants (${history.seq + 1} entries)`,
      figure: ms(b),
      against: `a grant of ${scale.large / 10}: ${ms(perGrant)}`,
      ratio,
      goal: 'linear, <= 250 MiB',
      met,
      peak,
      numbers: { pam_ms: b, tenth_ms: a, peak_mib: peak },
    },
    await sinceRow(scale, tenth, history),
  ];
}

/** An auditor who comes every day, with the checkpoint of yesterday: what is new is the same in both. */
async function sinceRow(scale: Scale, tenth: History, large: History): Promise<Row> {
  let peak = 0;
  const daily = [tenth, large].map((history, at) => {
    const { seq, head, at: when } = history.yesterday;
    const file = join(PLACE, `yesterday-${at}.json`);
    writeFileSync(
      file,
      printCheckpoint({ schema: 'pam.checkpoint/1', root: history.root, seq, head, at: when }),
    );
    return async (): Promise<number> => {
      const ran = await auditOf(history, ['--since', file]);
      peak = Math.max(peak, ran.peak);
      return ran.ms;
    };
  });
  const [a = Number.NaN, b = Number.NaN] = await interleave(scale.rounds, daily);
  return {
    name: 'audit-since',
    job: `\`pam audit --since\` yesterday's checkpoint, ${scale.large} grants`,
    figure: ms(b),
    against: `${scale.large / 10} grants: ${ms(a)}`,
    ratio: b / a,
    goal: '<= 1.15x',
    met: b / a <= 1.15,
    peak,
    numbers: { large_ms: b, tenth_ms: a },
  };
}
