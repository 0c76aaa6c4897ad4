/**
 * Signs in process, with any key that the scene's people hold, any text, in any namespace, and writes it where
 * statements and requests are found: past every check that `pam` makes before it publishes.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import { requestPath, signaturePath, type RequestId } from '../../src/model/names.ts';
import type { Request } from '../../src/model/request.ts';
import type { Signed, StatementOf } from '../../src/model/statement.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { statementBranch } from '../../src/forges/statement-branches.ts';
import { printRequest } from '../../src/documents/request-file.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import type { World } from '../crash/access-repository.ts';
import type { SignOptions, SshsigParts, TestKey } from '../support/make-signature.ts';
import type { Files } from './hostile-hands.ts';
import type { KeyedScene } from './keyed-scene.ts';

export interface How extends SignOptions {
  /** Name of the key; the signer's own unless told otherwise. */
  readonly key?: string;
  readonly namespace?: string;
}

export interface Forger {
  readonly key: (name: string) => TestKey;
  /** What bob would honestly sign for this request now, but for `wish`. */
  readonly approval: (request: Request, wish?: Partial<StatementOf<'approval'>>) => StatementOf<'approval'>;
  readonly stop: (request: Request, wish?: Partial<StatementOf<'stop'>>) => StatementOf<'stop'>;
  readonly sign: (
    statement: StatementOf<'approval'> | StatementOf<'stop'> | StatementOf<'request'>,
    how?: How,
  ) => Signed;
  readonly signText: (text: string, how: How & { readonly key: string }) => Signed;
  readonly parts: (text: string, how: How & { readonly key: string }) => SshsigParts;
  /** `<id>.yaml.sig` over these bytes. */
  readonly requestSignature: (id: RequestId, signer: string, bytes: string) => string;
  /** The two files of a request, signed by its requester. */
  readonly files: (request: Request) => Files;
}

export async function forgerOf({ world, keys }: KeyedScene): Promise<Forger> {
  const desk = await world.desk();
  const { root, policy, seq, head } = (await freshLedger(desk)).view.state;
  const key = (name: string): TestKey => {
    const found = keys.get(name);
    if (found === undefined) throw new Error(`nobody holds a key "${name}"`);
    return found;
  };
  const signText: Forger['signText'] = (
    text,
    { key: name, namespace = STATEMENT_KINDS.approval.namespace, ...how },
  ) => ({
    text,
    armor: key(name).sign(text, namespace, how),
  });
  const sign: Forger['sign'] = (statement, how = {}) =>
    signText(printStatement(statement), {
      key: statement.signer,
      namespace: STATEMENT_KINDS[statement.type].namespace,
      ...how,
    });
  const now = world.now;
  const requestSignature: Forger['requestSignature'] = (id, signer, bytes) => {
    const requestSha256 = sha256(bytes);
    return joinSigned(sign({ type: 'request', root, signer, signedAt: now, request: id, requestSha256 }));
  };
  return {
    key,
    signText,
    sign,
    parts: (text, { key: name, namespace = STATEMENT_KINDS.approval.namespace, ...how }) =>
      key(name).parts(text, namespace, how),
    approval: (request, wish = {}) => {
      const exact = exactGrant(policy, desk.providers, request, now);
      if (exact === undefined) throw new Error(`${request.id} cannot be granted at all`);
      const { loginKeyLine: _line, ...grant } = exact;
      return {
        type: 'approval',
        root,
        signer: 'bob',
        signedAt: now,
        request: request.id,
        requestSha256: sha256(printRequest(request)),
        grant,
        capacity: 'named',
        because: null,
        ledger: { seq, head },
        ...wish,
      };
    },
    stop: (request, wish = {}) => ({
      type: 'stop',
      root,
      signer: 'bob',
      signedAt: now,
      request: request.id,
      because: null,
      ...wish,
    }),
    requestSignature,
    files: (request) => {
      const { id, requester } = request;
      const bytes = printRequest(request);
      return { [requestPath(id)]: bytes, [signaturePath(id)]: requestSignature(id, requester, bytes) };
    },
  };
}

export interface Published {
  /** Whose branch it lies on; usually the request that it is about. */
  readonly topic: string;
  readonly signed: Signed;
}

/** Statement branches, many in one go, as `git push` by anybody would make them. */
export function publishAll(world: World, statements: readonly Published[]): void {
  const stream = statements.flatMap(({ topic, signed }) => [
    `commit refs/heads/${statementBranch(topic, signed.text)}\n`,
    'committer mallory <alice@pam> 0 +0000\ndata 0\n',
    fileCommand('statement', signed.text),
    fileCommand('statement.sig', signed.armor),
    '\n',
  ]);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(world.home, 'user'),
    GIT_CONFIG_NOSYSTEM: '1',
  };
  execFileSync('git', ['fast-import', '--quiet', '--force'], { cwd: world.dir, env, input: stream.join('') });
}

const fileCommand = (path: string, text: string): string =>
  `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
