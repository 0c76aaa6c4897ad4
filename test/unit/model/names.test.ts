import { describe, expect, it } from 'vitest';
import {
  isFingerprint,
  isName,
  isOid,
  isRequestId,
  isSha256,
  requestPath,
  signaturePath,
} from '../../../src/model/names.ts';
import { openPath } from '../../../src/model/open-record.ts';
import { requestId } from '../../support/world.ts';

const hex = 'a'.repeat(64);

describe('grammars of names', () => {
  it.each([
    [
      'name',
      isName,
      ['a', 'orders-db', 'a'.repeat(40)],
      ['', 'A', '-a', '1a', 'a_b', 'a'.repeat(41), 'a\n', 'ä'],
    ],
    [
      'request id',
      isRequestId,
      ['20261122-dba-7k3fq2', `20261122-${'a'.repeat(40)}-aaaaaa`, '20261122---aaaaaa'],
      [
        '20261122-dba-7K3FQ2',
        '20261122-dba-aaaaa',
        '2026112-dba-aaaaaa',
        '20261122--aaaaaa',
        '20261122-../-aaaaaa',
        '20261122-dba-aaaaaa\n',
        `20261122-${'a'.repeat(41)}-aaaaaa`,
      ],
    ],
    [
      'digest',
      isSha256,
      [`sha256:${hex}`],
      [hex, `sha256:${hex}0`, `sha256:${'A'.repeat(64)}`, `SHA256:${hex}`],
    ],
    [
      'fingerprint',
      isFingerprint,
      [`SHA256:${'A'.repeat(43)}`],
      [`SHA256:${'A'.repeat(43)}=`, `SHA256:${'A'.repeat(42)}`, `sha256:${'A'.repeat(43)}`],
    ],
    ['object id', isOid, ['a'.repeat(40), hex], ['a'.repeat(41), 'A'.repeat(40), 'HEAD', '']],
  ] as const)('%s', (_what, is, good, bad) => {
    for (const text of good) expect([text, is(text)]).toEqual([text, true]);
    for (const text of bad) expect([text, is(text)]).toEqual([text, false]);
  });

  it('an id says where its files are', () => {
    const id = requestId('20261122-dba-7k3fq2');
    expect(requestPath(id)).toBe('requests/2026/11/20261122-dba-7k3fq2.yaml');
    expect(signaturePath(id)).toBe('requests/2026/11/20261122-dba-7k3fq2.yaml.sig');
    expect(openPath(id)).toBe('open/20261122/20261122-dba-7k3fq2.json');
  });
});
