import { PamError } from '../model/error.ts';

const PADDED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;

/**
 * Padded base64 in its one canonical spelling (RFC 4648 sections 3.2 and 3.5); `undefined` when the text is not
 * padded base64 at all. Throws `E_B64_NONCANONICAL` for unused bits that are not zero: two spellings of the same
 * bytes would be two digests of the same signature.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!PADDED.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) {
    throw new PamError('E_B64_NONCANONICAL', 'the last base64 character has bits that mean nothing');
  }
  return bytes;
}
