import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isCanonicalPoint, isSmallOrder } from '../../../src/trust/small-order.ts';
import {
  encodingsOf,
  hasOrderDividing8,
  littleEndian,
  P,
  pointWithY,
  smallOrderYs,
} from '../../support/edwards25519.ts';

const HIGH_BIT = 2n ** 255n;

describe('small-order Ed25519 points', () => {
  const ys = [...smallOrderYs()];

  it('[C24] the curve has exactly eight such points on five y, found by arithmetic', () => {
    expect(ys).toHaveLength(5);
    for (const y of ys) expect(hasOrderDividing8(pointWithY(y) ?? { x: 1n, y: 2n })).toBe(true);
  });

  it('[C24] every encoding of each is named: both signs, and y + p where that fits', () => {
    const encodings = ys.flatMap(encodingsOf);
    expect(encodings).toHaveLength(14);
    expect(encodings.filter((one) => !isSmallOrder(one))).toEqual([]);
  });

  it('real keys and the other small y are not', () => {
    for (let round = 0; round < 50; round += 1) {
      const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
      const point = Buffer.from(x, 'base64url');
      expect(isSmallOrder(point)).toBe(false);
      expect(isCanonicalPoint(point)).toBe(true);
    }
    for (let y = 2n; y < 40n; y += 1n) expect(isSmallOrder(littleEndian(y))).toBe(false);
  });

  it('a y of p or more is a second spelling', () => {
    expect(isCanonicalPoint(littleEndian(P - 2n))).toBe(true);
    for (let y = P; y < HIGH_BIT; y += 1n) expect(isCanonicalPoint(littleEndian(y))).toBe(false);
    expect(isCanonicalPoint(littleEndian(P + HIGH_BIT))).toBe(false);
  });
});
