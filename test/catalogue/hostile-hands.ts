/**
 * What an attacker can do: write any bytes to main or to any branch, and sign anything with a key that he holds.
 * Nothing here asks whether he may.
 */
import { posting } from '../support/posting.ts';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { printRequest } from '../../src/documents/request-file.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import { type Duration, parseDuration } from '../../src/model/instant.ts';
import { isRequestId, type RequestId, requestPath, signaturePath } from '../../src/model/names.ts';
import type { Request } from '../../src/model/request.ts';
import type { Capacity, Signed } from '../../src/model/statement.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import type { ChainState } from '../../src/trust/chain-state.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import type { World } from '../crash/access-repository.ts';

/** Bytes of a plain file, a file with another mode, or `null` for none. */
export type Planted =
  | string
  | Uint8Array
  | null
  | { readonly mode: string; readonly bytes: string | Uint8Array };
export type Files = Readonly<Record<string, Planted>>;

export function requestId(text: string): RequestId {
  if (!isRequestId(text)) throw new Error(`not a request id: ${text}`);
  return text;
}

export function duration(text: string): Duration {
  const value = parseDuration(text);
  if (value === undefined) throw new Error(`not a duration: ${text}`);
  return value;
}

/** A good request by erin for `writer` on `north`, but for what `wish` says. */
export function requestBy(wish: Partial<Request> & { readonly id: RequestId }): Request {
  const erin = 'erin';
  return {
    version: 1,
    requester: erin,
    subject: erin,
    role: 'writer',
    duration: duration('1h'),
    justification: 'The lock has to go.',
    ...wish,
  };
}

export const textOf = (wish: Partial<Request> & { readonly id: RequestId }): string =>
  printRequest(requestBy(wish));

/** A commit on top of `branch` (or of main, for a new branch), written past every hook and every check. */
export function plant(world: World, branch: string, files: Files, parent?: string): string {
  const git = gitWith(world);
  const exists = git(['for-each-ref', '--format=x', `refs/heads/${branch}`]) !== '';
  const base = parent ?? (exists ? `refs/heads/${branch}` : 'refs/heads/main');
  const index = join(world.home, 'attack-index');
  rmSync(index, { force: true });
  const staged = gitWith(world, { GIT_INDEX_FILE: index });
  staged(['read-tree', base]);
  for (const [path, one] of Object.entries(files)) {
    if (one === null) {
      staged(['rm', '-q', '-r', '--cached', '--ignore-unmatch', '--', path]);
      continue;
    }
    const { mode, bytes } =
      typeof one === 'string' || one instanceof Uint8Array ? { mode: '100644', bytes: one } : one;
    const oid = mode === '160000' ? String(bytes) : git(['hash-object', '-w', '--stdin'], bytes);
    staged(['update-index', '--add', '--cacheinfo', `${mode},${oid},${path}`]);
  }
  const commit = git(['commit-tree', staged(['write-tree']), '-p', base, '-m', 'nothing to see']);
  git(['update-ref', `refs/heads/${branch}`, commit]);
  // The work tree of a lone clone follows, as it would after a pull.
  if (branch === 'main') git(['reset', '-q', '--hard']);
  return commit;
}

function gitWith(
  world: World,
  more: Readonly<Record<string, string>> = {},
): (args: readonly string[], input?: string | Uint8Array) => string {
  const as = ['-c', 'user.name=mallory', '-c', 'user.email=alice@pam', '-c', 'core.protectHFS=false'];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(world.home, 'user'),
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  };
  return (args, input = '') =>
    execFileSync('git', [...as, ...args], {
      cwd: world.dir,
      env: { ...env, ...more },
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    }).trim();
}

/** What one has to know to sign: which ledger, which policy, where it stands. Read once for many signatures. */
export interface Hands {
  readonly world: World;
  readonly desk: Desk;
  readonly state: ChainState;
}

export async function handsOf(world: World): Promise<Hands> {
  const desk = await world.desk();
  return { world, desk, state: (await freshLedger(desk)).view.state };
}

/** `<id>.yaml.sig` over these bytes, by whoever holds `key`, in the name of `signer`. */
export async function requestSignature(
  { world, desk, state }: Hands,
  id: RequestId,
  bytes: string | Uint8Array,
  signer = 'erin',
  key = signer,
): Promise<string> {
  const text = printStatement({
    type: 'request',
    root: state.root,
    signer,
    signedAt: world.now,
    request: id,
    requestSha256: sha256(bytes),
  });
  return joinSigned({
    text,
    armor: await desk.sign(text, STATEMENT_KINDS.request.namespace, world.signer(key).keyFile),
  });
}

export interface ApprovalWish {
  readonly signer?: string;
  readonly key?: string;
  readonly capacity?: Capacity;
  /** What the approver believes to sign; the request's own terms unless told otherwise. */
  readonly terms?: Request;
}

/** An approval of exactly these bytes, as a deceived approver would sign it, published where statements travel. */
export async function approveBytes(
  { world, desk, state }: Hands,
  request: Request,
  bytes: string | Uint8Array,
  { signer = 'bob', key = signer, capacity = 'named', terms = request }: ApprovalWish = {},
): Promise<Signed> {
  const exact = exactGrant(state.policy, desk.providers, terms, world.now);
  if (exact === undefined) throw new Error('these terms cannot be granted at all');
  const { loginKeyLine: _line, ...grant } = exact;
  const text = printStatement({
    type: 'approval',
    root: state.root,
    signer,
    signedAt: world.now,
    request: request.id,
    requestSha256: sha256(bytes),
    grant,
    capacity,
    because: capacity === 'named' ? null : 'nobody answers',
    ledger: { seq: state.seq, head: state.head },
  });
  const signed = {
    text,
    armor: await desk.sign(text, STATEMENT_KINDS.approval.namespace, world.signer(key).keyFile),
  };
  await (await desk.forge(state.policy.config)).publish(posting(request.id, signed, signer));
  return signed;
}

/** The two files of a request, signed by its requester. */
export async function signedFiles(
  hands: Hands,
  id: RequestId,
  bytes: string | Uint8Array,
  signer = 'erin',
): Promise<Files> {
  return { [requestPath(id)]: bytes, [signaturePath(id)]: await requestSignature(hands, id, bytes, signer) };
}
