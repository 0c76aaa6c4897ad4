import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireReader, wireString } from '../../../src/trust/wire.ts';
import { codeOf } from '../../support/error-code.ts';

const reader = (...bytes: number[]) => new WireReader(Uint8Array.from(bytes));

describe('wire reader', () => {
  it('reads what was written, in order, to the end', () => {
    const data = Buffer.concat([wireString('name'), Buffer.from([7]), wireString(Buffer.from([1, 0x80]))]);
    const wire = new WireReader(data);
    expect(wire.text()).toBe('name');
    expect(wire.byte()).toBe(7);
    expect([...wire.string()]).toEqual([1, 0x80]);
    wire.end();
  });

  it('reads uint32 as unsigned', () => {
    expect(reader(0xff, 0xff, 0xff, 0xff).uint32()).toBe(0xffff_ffff);
  });

  it('[D24] a length of 0xffffffff is truncation, and nothing is allocated for it', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 1000; round += 1) {
      expect(codeOf(() => reader(0xff, 0xff, 0xff, 0xff, 1).string())).toBe('E_TRUNCATED');
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  it('[D24] a string cut at any offset is truncation', () => {
    const whole = wireString('pam-approval-v1@pam');
    for (let cut = 0; cut < whole.length; cut += 1) {
      expect(codeOf(() => new WireReader(whole.subarray(0, cut)).string())).toBe('E_TRUNCATED');
    }
  });

  it.each([
    ['zero', [], 'E_MPINT'],
    ['negative', [0x80], 'E_MPINT'],
    ['zero spelt out', [0], 'E_MPINT'],
    ['padded', [0, 1], 'E_MPINT'],
    ['padded twice', [0, 0, 0x80], 'E_MPINT'],
    ['with its sign byte', [0, 0x80], 'ok'],
    ['small', [1], 'ok'],
  ])('mpint: %s', (_, bytes, code) => {
    expect(codeOf(() => new WireReader(wireString(Uint8Array.from(bytes))).mpint())).toBe(code);
  });

  it('an mpint comes back without its sign byte', () => {
    expect([...new WireReader(wireString(Uint8Array.from([0, 0x80, 1]))).mpint()]).toEqual([0x80, 1]);
  });

  it.each(['\0', 'a\0b', '\n', '\x7f', '\xe9', 'ü'])('text %j is refused', (text) => {
    expect(codeOf(() => new WireReader(wireString(Buffer.from(text))).text())).toBe('E_BAD_STRING');
  });

  it('says when bytes are left', () => {
    expect(codeOf(() => reader(1).end())).toBe('E_TRAILING');
  });

  it('never throws anything but PamError, whatever the bytes', () => {
    const step = fc.constantFrom('byte', 'uint32', 'string', 'text', 'mpint', 'end');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(step, { maxLength: 8 }), (bytes, steps) => {
        const wire = new WireReader(bytes);
        const code = codeOf(() => {
          for (const name of steps) wire[name]();
        });
        expect(code).toMatch(/^ok$|^E_(?:TRUNCATED|TRAILING|BAD_STRING|MPINT)$/u);
      }),
    );
  });
});
