/** What somebody who may write main can do to the policy there, and what admins sign of it. Nothing asks whether they may. */
import { posting } from '../support/posting.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import { policyFilesOf } from '../../src/flows/ledger/walk/ledger-files.ts';
import type { Instant } from '../../src/model/instant.ts';
import { isOid } from '../../src/model/names.ts';
import type { Signed } from '../../src/model/statement.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import type { World } from '../crash/access-repository.ts';
import { plant } from './hostile-hands.ts';

// The fixture writes its policy as JSON, which YAML also is.
type Document = Record<string, Record<string, Record<string, unknown>>>;

/** The policy file on main with something changed, as the text of a file. */
export function policyText(world: World, path: string, change: (document: Document) => void): string {
  const document = JSON.parse(readFileSync(join(world.dir, path), 'utf8')) as Document;
  change(document);
  return `${JSON.stringify(document, null, 2)}\n`;
}

export const rolesWith = (world: World, role: string, change: Readonly<Record<string, unknown>>): string =>
  policyText(world, 'policy/roles.yaml', ({ roles }) => {
    Object.assign(roles?.[role] ?? {}, change);
  });

/** `policy/people.yaml` with one key more for a person. */
export const peopleWithKey = (world: World, person: string, key: Readonly<Record<string, string>>): string =>
  policyText(world, 'policy/people.yaml', ({ people }) => {
    const keys = people?.[person]?.['keys'];
    if (!Array.isArray(keys)) throw new Error(`nobody is called ${person}`);
    keys.push(key);
  });

/** Puts these files on main and, as an honest admin would, in force. */
export async function bringIntoForce(world: World, files: Readonly<Record<string, string>>): Promise<void> {
  plant(world, 'main', files);
  await world.ratify();
}

export interface PolicySignature {
  readonly signer?: string;
  readonly key?: string;
  readonly seq?: number;
  readonly signedAt?: Instant;
}

/** A statement over the policy that main holds, whatever that is, published where admins' statements travel. */
export async function signPolicyOnMain(world: World, wish: PolicySignature = {}): Promise<Signed> {
  const { signer = 'alice', key = signer, seq = 2, signedAt = world.now } = wish;
  const desk = await world.desk();
  const { state } = (await freshLedger(desk)).view;
  const main = world.git('rev-parse', 'refs/heads/main');
  if (!isOid(main)) throw new Error('there is no main');
  const text = printStatement({
    type: 'policy',
    root: state.root,
    signer,
    signedAt,
    seq,
    policySha256: treeDigest(await policyFilesOf(desk.repository, main)),
    previousSha256: state.policy.digest,
  });
  const signed = {
    text,
    armor: await desk.sign(text, STATEMENT_KINDS.policy.namespace, world.signer(key).keyFile),
  };
  await (await desk.forge(state.policy.config)).publish(posting(`policy-${seq}`, signed, signer));
  return signed;
}
