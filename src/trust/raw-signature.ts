/**
 * The one place where a signature's arithmetic is checked. Everything above it is parsing; whatever goes wrong
 * below it (a `false`, a throw, an answer that is not a boolean) is the same refusal, `E_SIGNATURE`.
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import { PamError } from '../model/error.ts';

export interface RawSignature {
  readonly key: KeyObject;
  readonly scheme:
    | { readonly kind: 'ed25519' }
    /** `size` is the length of r and of s; the signature is `r || s`, each padded to it (IEEE P1363). */
    | { readonly kind: 'ecdsa'; readonly size: number; readonly hash: 'sha256' | 'sha384' | 'sha512' }
    /** PKCS#1 v1.5 */
    | { readonly kind: 'rsa'; readonly hash: 'sha256' | 'sha512' };
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

/** `node:crypto`'s `verify`, as far as it is used; `unknown` because an answer is not trusted to be a boolean. */
export type Primitive = (
  hash: string | null,
  data: Uint8Array,
  key: { readonly key: KeyObject; readonly dsaEncoding?: 'ieee-p1363'; readonly padding?: number },
  signature: Uint8Array,
) => unknown;

/** Returns only if the signature over `data` is good; `primitive` is replaced only by tests. */
export function checkRawSignature(raw: RawSignature, primitive: Primitive = verify): void {
  judgeLength(raw);
  let answer: unknown;
  try {
    answer = ask(raw, primitive);
  } catch (cause) {
    throw cannot(cause);
  }
  judgeAnswer(answer);
}

/** The same on another core, where many signatures wait: resolves only if this one is good. */
export async function checkRawSignatureAside(raw: RawSignature): Promise<void> {
  judgeLength(raw);
  judgeAnswer(
    await new Promise<unknown>((resolve, reject) => {
      const aside: Primitive = (hash, data, key, signature) => {
        verify(hash, data, key, signature, (error, answer) => {
          if (error === null) resolve(answer);
          else reject(cannot(error));
        });
      };
      try {
        ask(raw, aside);
      } catch (cause) {
        reject(cannot(cause));
      }
    }),
  );
}

function judgeLength(raw: RawSignature): void {
  if (raw.signature.length === signatureLength(raw)) return;
  throw new PamError('E_SIGNATURE', 'the signature has the wrong length for its key');
}

function judgeAnswer(answer: unknown): void {
  // Some libraries return an Error object, which is truthy: only the value `true` is a yes.
  if (answer === true) return;
  throw new PamError('E_SIGNATURE', 'the signature is not over these bytes by this key');
}

const cannot = (cause: unknown): PamError =>
  new PamError('E_SIGNATURE', 'the signature cannot be checked', { cause });

function ask({ key, scheme, data, signature }: RawSignature, primitive: Primitive): unknown {
  switch (scheme.kind) {
    case 'ed25519':
      return primitive(null, data, { key }, signature);
    case 'ecdsa':
      return primitive(scheme.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'rsa':
      return primitive(scheme.hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  }
}

function signatureLength({ key, scheme }: RawSignature): number {
  switch (scheme.kind) {
    case 'ed25519':
      return 64;
    case 'ecdsa':
      return 2 * scheme.size;
    case 'rsa':
      return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  }
}
