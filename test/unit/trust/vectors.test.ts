/**
 * Other people's signatures. The folders lie beside the project, not in it; where they are absent, the tests below
 * are reported as skipped, one by one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyTypeOf } from '../../../src/trust/key-types.ts';
import { parsePublicKey, publicKeyFromBlob } from '../../../src/trust/public-key.ts';
import { checkRawSignature, type RawSignature } from '../../../src/trust/raw-signature.ts';
import { verifySshsig } from '../../../src/trust/sshsig.ts';
import { wireString } from '../../../src/trust/wire.ts';
import { codeOf } from '../../support/error-code.ts';
import { mpint } from '../../support/make-signature.ts';

const VECTORS = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url));

const OPENSSH = `${VECTORS}openssh/`;
const file = (name: string) => readFileSync(`${OPENSSH}${name}`);
const EXPECTED: Readonly<Record<string, string>> = {
  rsa: 'ok',
  ecdsa: 'ok',
  ed25519: 'ok',
  ecdsa_sk: 'ok',
  ed25519_sk: 'ok',
  ecdsa_sk_webauthn: 'E_SK_APP',
  'mldsa44-ed25519': 'E_KEYTYPE',
};
describe.skipIf(!existsSync(OPENSSH))('OpenSSH regress/unittests/sshsig', () => {
  it('every file has an expected answer', () => {
    const names = readdirSync(OPENSSH).filter((name) => name.endsWith('.sig'));
    expect(names.map((name) => name.slice(0, -'.sig'.length)).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('[D23, Z5] %s is %s', (name, expected) => {
    const namespace = file('namespace').toString().trim();
    const message = file('signed-data');
    // The armor of the post-quantum one alone is within 8 KiB, so its type is what it is refused for.
    const armor = file(`${name}.sig`).toString();
    expect(codeOf(() => verifySshsig({ message, armor, namespace }))).toBe(expected);
    expect(codeOf(() => parsePublicKey(file(`${name}.pub`).toString()))).toBe(expected);
    if (expected !== 'ok') return;
    const { key, flags, counter } = verifySshsig({ message, armor, namespace });
    expect(key.line).toBe(parsePublicKey(file(`${name}.pub`).toString()).line);
    expect(flags.touched).toBe(name.endsWith('_sk'));
    expect(counter).toBe(name.endsWith('_sk') ? 305419896 : null);
    expect(
      codeOf(() => verifySshsig({ message: Buffer.concat([message, Buffer.from('\n')]), armor, namespace })),
    ).toBe('E_SIGNATURE');
    expect(codeOf(() => verifySshsig({ message, armor, namespace: 'file' }))).toBe('E_NAMESPACE');
  });
});

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}
interface Group {
  readonly tests: readonly Vector[];
  readonly sha?: string;
  readonly publicKey: Readonly<Record<string, unknown>>;
}

const WYCHEPROOF = `${VECTORS}wycheproof/`;
const SUITES = [
  'ecdsa_secp256r1_sha256_p1363_test.json',
  'ecdsa_secp384r1_sha384_p1363_test.json',
  'ecdsa_secp521r1_sha512_p1363_test.json',
  'ed25519_test.json',
  'rsa_signature_2048_sha256_test.json',
  'rsa_signature_2048_sha512_test.json',
  'rsa_signature_3072_sha512_test.json',
];

describe.skipIf(!existsSync(WYCHEPROOF))('Wycheproof', () => {
  it('every file is run', () => {
    expect(readdirSync(WYCHEPROOF).sort()).toEqual(SUITES);
  });

  it.each(SUITES)('%s', (name) => {
    // The file is trusted test data of this one shape.
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(`${WYCHEPROOF}${name}`, 'utf8')) as {
      testGroups: readonly Group[];
      numberOfTests: number;
    };
    const differing: string[] = [];
    let ran = 0;
    for (const group of testGroups) {
      const { key, scheme } = asOurs(group);
      for (const { tcId, comment, msg, sig, result } of group.tests) {
        const data = Buffer.from(msg, 'hex');
        const signature = Buffer.from(sig, 'hex');
        const code = codeOf(() => checkRawSignature({ key, scheme, data, signature }));
        // "acceptable" is what lenient verifiers take, here a missing NULL in RSA's padding: we refuse it.
        const expected = result === 'valid' ? 'ok' : 'E_SIGNATURE';
        if (code !== expected) differing.push(`${tcId} ${comment}: ${code}`);
        ran += 1;
      }
    }
    expect(differing).toEqual([]);
    expect(ran).toBe(numberOfTests);
  });
});

/** The group's key, through our own reader, and the scheme that goes with it. */
function asOurs(group: Group): Pick<RawSignature, 'key' | 'scheme'> {
  const hex = (name: string): Buffer => Buffer.from(String(group.publicKey[name]), 'hex');
  if (group.publicKey['type'] === 'EDDSAPublicKey') {
    return { key: imported('ssh-ed25519', wireString(hex('pk'))), scheme: { kind: 'ed25519' } };
  }
  if (group.publicKey['type'] === 'EcPublicKey') {
    const curve = String(group.publicKey['curve']).replace(/^secp(\d+)r1$/u, 'nistp$1');
    const { name, scheme } = keyTypeOf(`ecdsa-sha2-${curve}`);
    if (scheme.kind !== 'ecdsa' || scheme.hash !== group.sha?.toLowerCase().replace('-', '')) {
      throw new TypeError(`${name} is not what the vectors are for`);
    }
    return { key: imported(name, wireString(curve), wireString(hex('uncompressed'))), scheme };
  }
  const hash = group.sha === 'SHA-512' ? 'sha512' : 'sha256';
  return {
    key: imported('ssh-rsa', mpint(hex('publicExponent')), mpint(hex('modulus'))),
    scheme: { kind: 'rsa', hash },
  };
}

function imported(type: string, ...fields: Buffer[]): KeyObject {
  return publicKeyFromBlob(Buffer.concat([wireString(type), ...fields])).key;
}
