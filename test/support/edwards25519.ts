/** Textbook Ed25519 point arithmetic in BigInt, to check tables against: slow, and never for production. */
export const P = 2n ** 255n - 19n;
const mod = (n: bigint): bigint => ((n % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [mod(base), exponent]; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * b);
    b = mod(b * b);
  }
  return result;
}
const inverse = (n: bigint): bigint => power(n, P - 2n);
const D = mod(-121665n * inverse(121666n));

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** A point with this y (any of the two), or `undefined` when no point has it. */
export function pointWithY(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * power(2n, (P - 1n) / 4n));
  return mod(x * x) === square ? { x, y: mod(y) } : undefined;
}

export function add(a: Point, b: Point): Point {
  const product = mod(D * a.x * b.x * a.y * b.y);
  // One inversion for both denominators, 1 + product and 1 - product.
  const both = inverse(1n - product * product);
  return {
    x: mod((a.x * b.y + a.y * b.x) * (1n - product) * both),
    y: mod((a.y * b.y + a.x * b.x) * (1n + product) * both),
  };
}

/** Does adding the point to itself three times over (times 8) end in the identity? */
export function hasOrderDividing8(point: Point): boolean {
  let sum = point;
  for (let doubling = 0; doubling < 3; doubling += 1) sum = add(sum, sum);
  return sum.x === 0n && sum.y === 1n;
}

/** All y of points whose order divides 8: the multiples of one point of order 8, which is any point times L. */
export function smallOrderYs(): ReadonlySet<bigint> {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  for (let y = 2n; ; y += 1n) {
    const point = pointWithY(y);
    if (point === undefined) continue;
    const generator = times(point, L);
    const multiples = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].map((factor) => times(generator, factor));
    const ys = new Set(multiples.map((one) => one.y));
    if (ys.size === 5) return ys;
  }
}

function times(point: Point, factor: bigint): Point {
  let sum: Point = { x: 0n, y: 1n };
  for (let [doubled, rest] = [point, factor]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** 32 bytes, little-endian; `n` may be anything below 2^256. */
export function littleEndian(n: bigint): Buffer {
  return Buffer.from(Buffer.from(n.toString(16).padStart(64, '0'), 'hex').toReversed());
}

/** Every 32-byte form of the points with this y: both signs of x, and y + p where that still fits. */
export function encodingsOf(y: bigint): readonly Buffer[] {
  const high = 2n ** 255n;
  return [y, y + P]
    .filter((one) => one < high)
    .flatMap((one) => [one, one + high])
    .map(littleEndian);
}
