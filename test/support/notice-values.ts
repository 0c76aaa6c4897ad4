/** Values of documents, as their readers would give them. */
import { type Instant, parseInstant } from '../../src/model/instant.ts';
import { isRequestId, isSha256, type RequestId, type Sha256 } from '../../src/model/names.ts';

export function instantAt(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new Error(`not an instant: ${text}`);
  return at;
}

function rootOf(text: string): Sha256 {
  if (!isSha256(text)) throw new Error(`not a digest: ${text}`);
  return text;
}

function idOf(text: string): RequestId {
  if (!isRequestId(text)) throw new Error(`not an id: ${text}`);
  return text;
}

export const EXAMPLE_ROOT = rootOf(`sha256:${'5f'.repeat(32)}`);
export const EXAMPLE_ID = idOf('20261122-orders-dba-7k3fq2');
