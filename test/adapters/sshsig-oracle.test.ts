/**
 * The stock verifier as an oracle: whatever `verifySshsig` accepts, `ssh-keygen -Y verify` accepts for the same
 * key. The other way round they may differ only where `stricter.json` says so, and a line there that no longer
 * makes a difference fails too (`varies` names what it depends on, where OpenSSH versions disagree).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { printArmor } from '../../src/trust/armor.ts';
import { verifySshsig } from '../../src/trust/sshsig.ts';
import { codeOf } from '../support/error-code.ts';
import { blobOf, KEY_TYPES, makeKey } from '../support/make-signature.ts';
import {
  MESSAGE,
  NAMESPACE,
  type OracleCase,
  randomCases,
  structuralCases,
} from '../support/sshsig-mutants.ts';
import stricter from './stricter.json' with { type: 'json' };

interface Stricter {
  readonly case: string;
  readonly ours: string;
  readonly why: string;
  readonly varies?: string;
}
const LISTED: ReadonlyMap<string, Stricter> = new Map(stricter.map((one: Stricter) => [one.case, one]));

const present = spawnSync('ssh-keygen', ['-?']).error === undefined;
const place = mkdtempSync(join(tmpdir(), 'pam-oracle-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

function keygen(
  args: readonly string[],
  stdin = '',
): { readonly code: number | null; readonly stdout: string } {
  const env = { PATH: process.env['PATH'] ?? '', TZ: 'UTC', LC_ALL: 'C', HOME: place };
  const { status, stdout } = spawnSync('ssh-keygen', args, { env, input: stdin, cwd: place });
  return { code: status, stdout: stdout.toString() };
}

/** What 9.2 cannot read and we may: CRLF, and a blank line in front. */
const forKeygen = (armor: string) => armor.replaceAll('\r\n', '\n').replace(/^\n/u, '');

function keygenAccepts(one: OracleCase, line: string): boolean {
  writeFileSync(join(place, 'allowed'), `someone ${line}\n`);
  writeFileSync(join(place, 'sig'), forKeygen(one.armor), 'latin1');
  const args = [
    '-Y',
    'verify',
    '-f',
    'allowed',
    '-I',
    'someone',
    '-n',
    one.namespace ?? NAMESPACE,
    '-s',
    'sig',
  ];
  return keygen(args, one.message ?? MESSAGE).code === 0;
}

const ours = (one: OracleCase) =>
  verifySshsig({ message: one.message ?? MESSAGE, armor: one.armor, namespace: one.namespace ?? NAMESPACE });

interface Tally {
  readonly laxer: string[];
  readonly unlisted: string[];
  readonly differing: Set<string>;
  readonly accepted: Set<string>;
}

function compare(cases: Iterable<OracleCase>, asksToo: (index: number) => boolean): Tally {
  const tally: Tally = { laxer: [], unlisted: [], differing: new Set(), accepted: new Set() };
  let index = 0;
  for (const one of cases) {
    index += 1;
    const code = codeOf(() => ours(one));
    if (code === 'ok') {
      tally.accepted.add(one.name);
      if (!keygenAccepts(one, ours(one).key.line)) tally.laxer.push(`${one.name} (${one.type})`);
    } else if (asksToo(index) && keygenAccepts(one, one.line)) {
      tally.differing.add(one.name);
      if (LISTED.get(one.name)?.ours !== code) tally.unlisted.push(`${one.name} (${one.type}): ${code}`);
    }
  }
  return tally;
}

describe.skipIf(!present)('ssh-keygen as oracle', () => {
  it('structural mutants of every key type: never laxer, stricter exactly as listed', () => {
    const { laxer, unlisted, differing, accepted } = compare(structuralCases(), () => true);
    expect(laxer).toEqual([]);
    expect(unlisted).toEqual([]);
    expect(stricter.filter((one: Stricter) => !differing.has(one.case) && one.varies === undefined)).toEqual(
      [],
    );
    expect([...accepted].sort()).toEqual(
      [
        'Z3 76 columns',
        'Z3 CRLF',
        'Z3 a blank line after',
        'Z3 a blank line before',
        'Z3 no final newline',
        'Z3 one line',
        'Z5 honest, sha256',
        'Z5 honest, sha512',
        'Z6 rsa-sha2-256 inside',
        'Z8 FIDO counter 0',
        'Z8 FIDO counter 4294967295',
        'Z8 FIDO touched and verified',
        'D15 ECDSA twin',
      ].sort(),
    );
  });

  it('[D12, D24] every truncation and thousands of bit flips and edits: never laxer', () => {
    let many = 0;
    const counted = function* () {
      for (const one of randomCases()) {
        many += 1;
        yield one;
      }
    };
    const { laxer, unlisted } = compare(counted(), (index) => index % 29 === 0);
    expect(many).toBeGreaterThan(8000);
    expect(laxer).toEqual([]);
    expect(unlisted).toEqual([]);
  });

  it.each([
    ['ed25519', '0'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
    ['rsa', '2048'],
    ['rsa', '3072'],
  ])('[Z5, Z12] signed by ssh-keygen itself with %s %s', (type, bits) => {
    const name = `key-${type}-${bits}`;
    keygen([
      '-q',
      '-t',
      type,
      ...(bits === '0' ? [] : ['-b', bits]),
      '-N',
      '',
      '-C',
      'a comment',
      '-f',
      name,
    ]);
    const line = readFileSync(join(place, `${name}.pub`), 'utf8');
    for (const hash of ['sha256', 'sha512']) {
      const args = ['-Y', 'sign', '-f', name, '-n', NAMESPACE, '-O', `hashalg=${hash}`];
      const { stdout: armor } = keygen(args, MESSAGE);
      const verified = verifySshsig({ message: MESSAGE, armor, namespace: NAMESPACE });
      expect(verified.hash).toBe(hash);
      expect(line).toBe(`${verified.key.line} a comment\n`);
      expect(keygen(['-l', '-f', `${name}.pub`]).stdout).toContain(verified.key.fingerprint);
      expect(codeOf(() => verifySshsig({ message: `${MESSAGE}\n`, armor, namespace: NAMESPACE }))).toBe(
        'E_SIGNATURE',
      );
    }
  });

  it('the armor is the one that ssh-keygen writes, byte for byte', () => {
    keygen(['-q', '-t', 'ed25519', '-N', '', '-f', 'key-armor']);
    const { stdout } = keygen(['-Y', 'sign', '-f', 'key-armor', '-n', NAMESPACE], MESSAGE);
    const base64 = stdout.split('\n').slice(1, -2).join('');
    expect(printArmor(Buffer.from(base64, 'base64'))).toBe(stdout);
  });

  it('our own test signatures are what ssh-keygen takes, so that a refusal above means something', () => {
    for (const type of KEY_TYPES) {
      const key = makeKey(type);
      const parts = key.parts(MESSAGE, NAMESPACE);
      const one: OracleCase = { name: type, type, line: key.line, armor: printArmor(blobOf(parts)) };
      expect(keygenAccepts(one, key.line)).toBe(true);
      expect(keygenAccepts({ ...one, message: 'other' }, key.line)).toBe(false);
    }
  });
});
