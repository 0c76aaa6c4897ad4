/**
 * Ed25519 public keys that are not keys. With a point of small order as public key, one and the same signature
 * is good for any message (always for the identity, often for the rest), and neither OpenSSL nor OpenSSH 9.2
 * refuses it. An attacker who slips one into policy owns every approval of that person.
 */
const P = 2n ** 255n - 19n;
const Y_MASK = 2n ** 255n - 1n;

/** The y of a point of order 8 (RFC 8032 curve); its negative is the y of the others. */
const Y_ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** One y stands for both points with it, so both signs are covered: orders 4, 1, 2, 8, 8. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, Y_ORDER_8, P - Y_ORDER_8]);

/** Does this 32-byte encoding, canonical or not, name a point whose order divides 8? */
export function isSmallOrder(encoded: Uint8Array): boolean {
  return SMALL_ORDER_Y.has(yOf(encoded) % P);
}

/** RFC 8032 section 5.1.3 wants y < p; decoders that reduce it instead give one key two spellings. */
export function isCanonicalPoint(encoded: Uint8Array): boolean {
  return yOf(encoded) < P;
}

/** Little-endian, without the top bit, which is the sign of x. */
function yOf(encoded: Uint8Array): bigint {
  return encoded.reduceRight((y, byte) => y * 256n + BigInt(byte), 0n) & Y_MASK;
}
