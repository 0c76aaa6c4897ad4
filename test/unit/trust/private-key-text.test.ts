/** Private key files as secret stores hand them on. Whether ssh-keygen takes each is tried in `adapters/signing-keys`. */
import { describe, expect, it } from 'vitest';
import {
  faultOfPrivateKey,
  hintFor,
  looksPrivate,
  readInTheClear,
} from '../../../src/trust/private-key-text.ts';

const BODY = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==';
const KEY = `-----BEGIN OPENSSH PRIVATE KEY-----\n${BODY}\n-----END OPENSSH PRIVATE KEY-----\n`;

describe('what is wrong with a private key file', () => {
  it.each([
    ['CRLF', KEY.replaceAll('\n', '\r\n'), 'Windows line ends (CRLF)'],
    ['one CR', KEY.replace('\n', '\r\n'), 'Windows line ends (CRLF)'],
    ['no last newline', KEY.trimEnd(), 'lacks the newline after its last line'],
    ['\\n written out', KEY.replaceAll('\n', '\\n'), '\\n written out'],
    ['blanks for line ends', KEY.replaceAll('\n', ' '), 'on one line'],
    ['base64 once more', Buffer.from(KEY).toString('base64'), 'base64 once more'],
    ['text before it', `key:\n${KEY}`, 'does not begin with'],
    ['a byte order mark', `\ufeff${KEY}`, 'does not begin with'],
    ['nothing', '\n', 'is empty'],
    ['the public half', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA dana\n', 'the public half'],
    ['a key of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\n', 'PuTTY'],
    ['something else', 'hello\n', 'no private key'],
  ])('%s', (_, text, what) => {
    expect(faultOfPrivateKey(text)?.what).toContain(what);
    expect(faultOfPrivateKey(text)?.hint).not.toContain(BODY);
  });

  it('nothing, of a sound one in each form', () => {
    for (const kind of ['OPENSSH ', 'RSA ', 'EC ', 'ENCRYPTED ', ''])
      expect(faultOfPrivateKey(KEY.replaceAll('OPENSSH ', kind))).toBeUndefined();
    expect(looksPrivate(KEY)).toBe(true);
    expect(looksPrivate('ssh-ed25519 AAAA')).toBe(false);
  });

  it('names both files in the hint', () => {
    expect(hintFor({ what: '', hint: 'tr < <file> > <new file>' }, '/k')).toBe('tr < /k > /k.new');
  });
});

describe('what a private key says in the clear', () => {
  it('cut or hostile bytes say nothing, and throw nothing', () => {
    const bytes = Buffer.from(BODY, 'base64');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const text = KEY.replace(BODY, bytes.subarray(0, cut).toString('base64'));
      expect(readInTheClear(text).line).toBeNull();
    }
    const huge = Buffer.concat([bytes.subarray(0, 15), Buffer.from([255, 255, 255, 255])]).toString('base64');
    expect(readInTheClear(KEY.replace(BODY, huge))).toEqual({ locked: false, line: null });
    expect(readInTheClear('')).toEqual({ locked: false, line: null });
  });

  it('PEM forms say whether they are locked', () => {
    expect(readInTheClear('-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n').locked).toBe(true);
    expect(readInTheClear('-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n').locked).toBe(true);
    expect(readInTheClear('-----BEGIN RSA PRIVATE KEY-----\nAA==\n').locked).toBe(false);
  });
});
