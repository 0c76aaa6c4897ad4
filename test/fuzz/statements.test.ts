/** Statements and signatures: whatever is done to a text, an armor or a blob, people have said only what they said. */
import { describe } from 'vitest';
import type { Sha256 } from '../../src/model/names.ts';
import type { Signed, StatementType } from '../../src/model/statement.ts';
import { decide, verifyRequester } from '../../src/rules/decide.ts';
import { adminsAgree } from '../../src/rules/judge-policy-change.ts';
import { judgeStop, stopGround } from '../../src/rules/judge-stop.ts';
import { joinSigned, parseArmor, printArmor, splitSigned } from '../../src/trust/armor.ts';
import { verifySshsig } from '../../src/trust/sshsig.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { blobOf, KEY_TYPES, makeKey } from '../support/make-signature.ts';
import { type Asked, keyNamed, signText, snapshot } from '../support/world.ts';
import { HONEST, isAttacker, NOW, POOL, WORLD } from './attack-world.ts';
import { mutateArmor, mutateBlob } from './mutate-blob.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateLines } from './mutate-text.ts';
import type { Random } from './random.ts';
import { broken, fuzz, layerOf, refusal } from './table.ts';

const { asked, ledger, next, ratified } = WORLD;
const { policy, root } = ledger.state;

const LAYERS: Readonly<Record<string, RegExp>> = {
  'the text': /^E_STATEMENT$/u,
  armor: /^E_(?:ARMOR|B64_NONCANONICAL|SIG_SIZE|SIG_MISSING)$/u,
  'the blob':
    /^E_(?:BAD_STRING|CURVE|HASH|KEYLEN|KEYTYPE|MAGIC|MPINT|NAMESPACE|NAMESPACE_EMPTY|RESERVED|SIGALG|TRAILING|TRUNCATED|VERSION|KEY_SMALL_ORDER|RSA_.*|SK_.*)$/u,
  'the signature': /^E_SIGNATURE$/u,
  'whose key': /^E_KEY_/u,
  'the words expected': /^E_APR_(?:DIGEST|GENESIS|GRANT|REQUEST|TYPE)$/u,
  'who may': /^E_(?:APR|POL)_/u,
};

/** Honest statements of every type, with what an acceptance of one means. */
interface Kind {
  readonly type: StatementType;
  readonly signed: Signed;
  /** The code that it is refused with, or `undefined`. */
  readonly refused: (signed: Signed) => string | undefined;
}

const KINDS: readonly [Kind, ...Kind[]] = [
  {
    type: 'approval',
    signed: first(WORLD.approvals.get(asked.due.id)),
    refused: (one) => approvalOf(asked.due, one),
  },
  {
    type: 'approval',
    signed: first(WORLD.approvals.get(asked.hers.id)),
    refused: (one) => approvalOf(asked.hers, one),
  },
  { type: 'request', signed: asked.hers.statement, refused: requestOf },
  { type: 'stop', signed: first([...WORLD.stops.values()]), refused: stopOf },
  { type: 'policy', signed: first(ratified), refused: policyOf },
];

describe('[D12][D24] mutated statements', () => {
  fuzz(
    'statements',
    {
      runs: 9000,
      shares: {
        'the text': 0.04,
        armor: 0.02,
        'the blob': 0.05,
        'the signature': 0.15,
        'whose key': 0.05,
        'the words expected': 0.02,
        'said as it was': 0.01,
      },
    },
    (random) => {
      const kind = random.pick(KINDS);
      const signed = mutated(random, kind);
      return { shown: joinSigned(signed), judge: () => judge(kind, signed) };
    },
  );

  fuzz(
    'signature files',
    { runs: 4000, shares: { armor: 0.3, 'the text': 0.1, 'the signature': 0.08, 'said as it was': 0.0005 } },
    (random) => {
      const kind = random.pick(KINDS);
      const bytes = mutateBytes(random, Buffer.from(joinSigned(kind.signed)));
      return { shown: bytes, judge: () => judgeFile(kind, bytes) };
    },
  );

  const keys = KEY_TYPES.map((type) => makeKey(type));
  const [text, other] = ['pam-statement: v1\ntype: stop\n', 'pam-statement: v1\ntype: approval\n'];
  const honest = keys.map((key) => key.parts(text, STATEMENT_KINDS.stop.namespace));
  fuzz(
    'signatures by every type of key',
    { runs: 6000, shares: { 'the blob': 0.3, 'the signature': 0.1 } },
    (random) => {
      const at = random.below(keys.length);
      const foreign = random.pick(keys)?.parts(other, STATEMENT_KINDS.approval.namespace);
      const parts = honest[at];
      if (parts === undefined || foreign === undefined) throw new TypeError('no such key');
      const blob = mutateBlob(random, parts, foreign);
      const armor = random.chance(0.2) ? mutateArmor(random, blob) : printArmor(blob);
      const judgeBlob = (): string => {
        const code = refusal(() => {
          verifySshsig({ message: text, armor, namespace: STATEMENT_KINDS.stop.namespace });
        });
        if (code !== undefined) return layerOf(code, LAYERS);
        return blob.equals(blobOf(parts))
          ? 'said as it was'
          : broken('another signature over the same words counts');
      };
      return { shown: armor, judge: judgeBlob };
    },
  );
});

function mutated(random: Random, { type, signed }: Kind): Signed {
  const namespace = STATEMENT_KINDS[type].namespace;
  const signer = /^signer: (.*)$/mu.exec(signed.text)?.[1] ?? '';
  const parts = keyNamed(signer).parts(signed.text, namespace);
  const text = mutateLines(random, signed.text, POOL);
  switch (random.weighed({ text: 4, again: 6, blob: 5, armor: 2, other: 2 })) {
    case 'text':
      return { text, armor: signed.armor };
    case 'again': {
      // As themselves, or in somebody's name.
      const key = random.pick(['dana', 'thief', 'grace', 'deploy-bot']);
      const own = random.chance(0.5) ? text.replace(/^signer: .*$/mu, `signer: ${key}`) : text;
      return signText(
        own,
        random.chance(0.9) ? namespace : (random.pick(Object.values(STATEMENT_KINDS))?.namespace ?? ''),
        key,
      );
    }
    case 'blob': {
      const foreign = keyNamed(random.pick(['dana', 'bob-sk'])).parts(signed.text, namespace);
      return { text: signed.text, armor: mutateArmor(random, mutateBlob(random, parts, foreign)) };
    }
    case 'armor':
      return { text: signed.text, armor: mutateArmor(random, blobOf(parts)) };
    case 'other':
      return { text: signed.text, armor: random.pick(WORLD.honest)?.armor ?? '' };
  }
}

function judge(kind: Kind, signed: Signed): string {
  const code = kind.refused(signed);
  if (code !== undefined) return layerOf(code, LAYERS);
  const signer = /^signer: (.*)$/mu.exec(signed.text)?.[1] ?? '';
  // Who may stop a request does so in words of their own, and an admin may agree to these very files.
  if (kind.type === 'stop' && isAttacker(signer)) return "an attacker's own";
  if (kind.type === 'policy' && signer === 'grace') return "an attacker's own";
  const known = HONEST.has(signed.text) || signed.text === kind.signed.text;
  if (!known || !blobAs(kind.signed, signed)) broken(`${signer} never said that`);
  return 'said as it was';
}

function judgeFile(kind: Kind, bytes: Uint8Array): string {
  let signed: Signed | undefined;
  const code = refusal(() => {
    signed = splitSigned(bytes);
  });
  return signed === undefined ? layerOf(code ?? '', LAYERS) : judge(kind, signed);
}

/** Armor may be wrapped otherwise; inside it stand the very bytes that the signer made. */
function blobAs(one: Signed, other: Signed): boolean {
  const [a, b] = [one, other].map(({ armor }) => Buffer.from(parseArmor(armor)));
  return a !== undefined && b !== undefined && a.equals(b);
}

/** A request with this one approval: granted, or what is wrong with the approval. */
function approvalOf(request: Asked, signed: Signed): string | undefined {
  const { verdict, reasons } = decide(snapshot(ledger, request, { approvals: [signed] }), NOW);
  if (verdict === 'approved') return undefined;
  return reasons.find(({ ok }) => !ok)?.code;
}

function requestOf(signed: Signed): string | undefined {
  const { hers } = asked;
  return refusal(() => {
    verifyRequester(
      { root, policy, id: hers.id, request: hers.request, requestSha256: hers.requestSha256 },
      signed,
      NOW,
    );
  });
}

function stopOf(signed: Signed): string | undefined {
  const ground = stopGround(root, policy, asked.unwanted.id, [asked.unwanted.request]);
  return judgeStop(ground, signed, NOW).kind === 'counts' ? undefined : 'E_APR_STOP';
}

/** With bob's honest statement beside it, the mutant is the one that is missing. */
function policyOf(signed: Signed): string | undefined {
  const digest: Sha256 = next.policy.digest;
  const statements = [...ratified.slice(1), signed];
  const version = { root, seq: 2, digest, previousDigest: policy.digest, statements, recordedAt: NOW };
  return adminsAgree(policy, version) ? undefined : 'E_POL_UNSIGNED';
}

function first(list: readonly Signed[] | undefined): Signed {
  const one = list?.[0];
  if (one === undefined) throw new TypeError('nothing was signed');
  return one;
}
