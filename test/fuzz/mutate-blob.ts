/** SSHSIG blobs: bits, lengths, ends, and fields of other honest signatures. */
import { printArmor } from '../../src/trust/armor.ts';
import { blobOf, type SshsigParts } from '../support/make-signature.ts';
import type { Random } from './random.ts';

const LENGTHS: readonly [number, ...number[]] = [0, 1, 0x7f, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** @param other an honest signature by another key over something else */
export function mutateBlob(random: Random, parts: SshsigParts, other: SshsigParts): Buffer {
  const blob = blobOf(parts);
  const at = random.below(blob.length);
  const copy = Buffer.from(blob);
  switch (random.weighed({ bit: 8, length: 5, cut: 4, longer: 1, field: 6, number: 1, lost: 2 })) {
    case 'bit':
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 'length':
      copy.writeUInt32BE(random.pick(LENGTHS), Math.min(at, blob.length - 4));
      return copy;
    case 'cut':
      return copy.subarray(0, at);
    case 'longer':
      return Buffer.concat([copy, Buffer.alloc(1 + random.below(300), random.below(256))]);
    case 'field': {
      const field = random.pick(FIELDS);
      return blobOf({ ...parts, [field]: other[field] });
    }
    case 'number':
      return blobOf({ ...parts, version: random.pick(LENGTHS) });
    case 'lost':
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.below(8))]);
  }
}

const FIELDS = [
  'magic',
  'key',
  'namespace',
  'reserved',
  'hash',
  'algorithm',
  'signature',
  'tail',
  'trailing',
] as const satisfies readonly (keyof SshsigParts)[];

/** Armor in shapes that honest tools never write, around whatever bytes. */
export function mutateArmor(random: Random, blob: Uint8Array): string {
  const armor = printArmor(blob);
  const lines = armor.split('\n');
  const at = random.below(lines.length);
  const line = lines[at] ?? '';
  switch (random.weighed({ plain: 12, crlf: 2, wrap: 2, text: 2, two: 1, blank: 2, base64: 3 })) {
    case 'plain':
      return armor;
    case 'crlf':
      return armor.replaceAll('\n', '\r\n');
    case 'wrap': {
      const width = 1 + random.below(100);
      const rows =
        Buffer.from(blob)
          .toString('base64')
          .match(new RegExp(`.{1,${width}}`, 'gu')) ?? [];
      return [lines[0], ...rows, lines.at(-2), ''].join('\n');
    }
    case 'text':
      return random.chance(0.5) ? `see below\n${armor}` : `${armor}see above\n`;
    case 'two':
      return armor + armor;
    case 'blank':
      return [
        ...lines.slice(0, at),
        random.pick(['', ' ', `${line} `, `\t${line}`]),
        ...lines.slice(at),
      ].join('\n');
    case 'base64':
      return armor.replace(/[A-Za-z0-9+/]=*\n-----END/u, (end) => random.pick(['=', '*', 'B', '==']) + end);
  }
}
