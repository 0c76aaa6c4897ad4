/** On another core, and from what was found before: never another answer than that of looking now. */
import { describe, expect, it } from 'vitest';
import { verifyEntry, verifyEntryAside } from '../../../src/trust/signed-entry.ts';
import { verifySshsig, verifySshsigAside } from '../../../src/trust/sshsig.ts';
import { LEDGER_NAMESPACE } from '../../../src/model/statement.ts';
import { codeOf, codeOfLater } from '../../support/error-code.ts';
import { KEY_TYPES, makeKey, printParts } from '../../support/make-signature.ts';

const namespace = 'pam-approval-v1@pam';
const MESSAGE = 'pam-statement: v1\ntype: approval\n';

describe.each(KEY_TYPES)('%s', (type) => {
  const key = makeKey(type);
  const armor = key.sign(MESSAGE, namespace);

  it('a good one is good on another core, and says the same', async () => {
    const fresh = { message: `${MESSAGE}note: aside\n`, namespace };
    const input = { ...fresh, armor: key.sign(fresh.message, namespace) };
    const aside = await verifySshsigAside(input);
    expect(aside).toEqual(verifySshsig(input, undefined));
    expect(verifySshsig(input)).toBe(aside);
  });

  it('a bad one is refused there as here, before and after the good one was found', async () => {
    const parts = key.parts(MESSAGE, namespace);
    const signature = Buffer.from(parts.signature);
    signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
    const bad = [
      { message: MESSAGE, namespace, armor: printParts({ ...parts, signature }) },
      { message: `${MESSAGE}\n`, namespace, armor },
      { message: MESSAGE, namespace: 'pam-stop-v1@pam', armor },
      { message: MESSAGE, namespace, armor: `${armor}x` },
    ];
    const refusals = async (): Promise<readonly string[]> => {
      const codes: string[] = [];
      for (const one of bad)
        codes.push(
          codeOf(() => verifySshsig(one)),
          await codeOfLater(verifySshsigAside(one)),
        );
      return codes;
    };
    const before = await refusals();
    expect(before).not.toContain('ok');
    expect(before.filter((_, at) => at % 2 === 0)).toEqual(before.filter((_, at) => at % 2 === 1));
    verifySshsig({ message: MESSAGE, namespace, armor });
    await verifySshsigAside({ message: MESSAGE, namespace, armor });
    expect(await refusals()).toEqual(before);
  });
});

describe('what was found before', () => {
  const key = makeKey();

  it('counts for these words only: bytes that look alike as text are another message', () => {
    const armor = key.sign(Buffer.from([0xc3, 0xa9]), namespace);
    expect(codeOf(() => verifySshsig({ message: 'é', armor, namespace }))).toBe('ok');
    expect(codeOf(() => verifySshsig({ message: Buffer.from([0xe9]), armor, namespace }))).toBe(
      'E_SIGNATURE',
    );
    expect(codeOf(() => verifySshsig({ message: '\u00c3\u00a9', armor, namespace }))).toBe('E_SIGNATURE');
  });

  it('says nothing to whoever brings arithmetic of their own', () => {
    const armor = key.sign(MESSAGE, namespace);
    verifySshsig({ message: MESSAGE, armor, namespace });
    expect(codeOf(() => verifySshsig({ message: MESSAGE, armor, namespace }, () => false))).toBe(
      'E_SIGNATURE',
    );
    const other = key.sign(`${MESSAGE}x`, namespace);
    const forged = { message: MESSAGE, armor: other, namespace };
    expect(codeOf(() => verifySshsig(forged, () => true))).toBe('ok');
    expect(codeOf(() => verifySshsig(forged))).toBe('E_SIGNATURE');
  });

  it('is forgotten after many others, and found again by looking', () => {
    const armor = key.sign(MESSAGE, namespace);
    const first = verifySshsig({ message: MESSAGE, armor, namespace });
    for (let at = 0; at < 1100; at++) {
      const message = `${MESSAGE}${at}`;
      verifySshsig({ message, armor: key.sign(message, namespace), namespace });
    }
    const again = verifySshsig({ message: MESSAGE, armor, namespace });
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});

it('an entry on another core is the entry that it is here', async () => {
  const key = makeKey();
  const bytes = Buffer.from('{"seq":1}\n');
  const armor = key.sign(bytes, LEDGER_NAMESPACE);
  expect(await verifyEntryAside(bytes, armor)).toEqual(verifyEntry(bytes, armor));
  expect(await codeOfLater(verifyEntryAside(Buffer.from('{"seq":2}\n'), armor))).toBe('E_SIGNATURE');
});
