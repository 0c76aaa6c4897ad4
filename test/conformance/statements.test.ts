/**
 * What every statement keeps to, whichever the registry lists. Each type brings its own example, so a type needs no line
 * here.
 */
import { describe, expect, it } from 'vitest';
import type { Found, Intent } from '../../src/model/forge.ts';
import type { Claimed, Signed, Statement, StatementOf, StatementType } from '../../src/model/statement.ts';
import { statementBranch } from '../../src/forges/statement-branches.ts';
import { standing } from '../../src/rules/judge-postings.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { claimsOf, printStatement } from '../../src/trust/statement-text.ts';
import { verifySigned, verifyStatement } from '../../src/trust/verify-statement.ts';
import { STATEMENT_KINDS, travelsOf } from '../../src/trust/statements/registry.ts';
import { OTHER_WORDS, type StatementKind } from '../../src/trust/statements/statement-kind.ts';
import { policyTopicName, topicKind } from '../../src/trust/statements/topics.ts';
import { codeOf } from '../support/error-code.ts';
import { at, policyOf, REQUEST, sign, signText, TEXTS } from '../support/world.ts';

const kinds = Object.entries(STATEMENT_KINDS) as unknown as readonly (readonly [
  StatementType,
  StatementKind<StatementType>,
])[];

const people = TEXTS['policy/people.yaml'].replaceAll(
  /^ {2}(alice|bob): \{ /gmu,
  (line, name: string) => `${line}github: { login: ${name}, id: ${name.length} }, `,
);
const forge = 'version: 1\nforge: { kind: github, repository: acme/access, remote: origin }\n';
const { policy } = policyOf({ ...TEXTS, 'pam.yaml': forge, 'policy/people.yaml': people });
const root = sha256('root');
const signing = { root, signer: 'bob', signedAt: at('12:00') };
/** The five lines that every statement begins with. */
const HEAD = ['pam-statement', 'type', 'root', 'signer', 'signed-at'];

it('every type has a namespace of its own, made of its name', () => {
  for (const [type, { namespace }] of kinds) expect(namespace).toBe(`pam-${type}-v1@pam`);
  // As it is found in a text, before anything else is known of it (`rules/judge-postings.ts`).
  for (const [type] of kinds) expect(type).toMatch(/^[a-z]+$/u);
});

describe.each(kinds)('%s', (type, kind) => {
  const statement = { ...signing, ...kind.example, type } as StatementOf<StatementType> & Statement;
  const text = printStatement(statement);
  const lines = text.split('\n').slice(HEAD.length, -1);
  const keyOf = (line: string): string => line.slice(0, line.indexOf(': '));
  /** A verifier who knows the example. */
  const verify = (signed: Signed): Claimed<StatementType> => {
    const known = { ...kind.example, root };
    return verifyStatement(policy, type, signed, withoutClaims(known), at('12:01')).claims;
  };
  /** What is claimed must be taken from the text, never from what the verifier brought. */
  const withoutClaims = <K extends object>(known: K): K => {
    const claimed = Object.keys(kind.claims(claimsOf(text).lines));
    return Object.fromEntries(Object.entries(known).filter(([field]) => !claimed.includes(field))) as K;
  };
  const codeBy = (signed: Signed): string => codeOf(() => void verify(signed));
  const retold = (words: string, namespace: string = kind.namespace): Signed =>
    signText(words, namespace, 'bob');

  it('is printed, signed, verified and read back as it is', () => {
    const signed = sign(statement);
    expect(verify(signed)).toMatchObject({ signer: 'bob', signedAt: at('12:00') });
    const claimed = kind.claims(claimsOf(text).lines);
    expect(kind.example).toMatchObject(claimed);
    expect(verify(signed)).toMatchObject(claimed);
    expect(verifySigned(type, signed).key.fingerprint).toMatch(/^SHA256:/u);
  });

  it('stays the lines that it is, whatever its free text holds', () => {
    expect(text).toMatch(/^(?:[a-z][a-z0-9-]*: [\x20-\x7e]+\n)+$/u);
    const keys = text.split('\n').slice(0, -1).map(keyOf);
    expect(keys.slice(0, HEAD.length)).toEqual(HEAD);
    expect(keys.slice(HEAD.length).filter((key) => HEAD.includes(key))).toEqual([]);
    expect(claimsOf(text).signer).toBe('bob');
    // Those of one key stand together, or a reader could not tell what was meant.
    expect(keys.filter((key, place) => key !== keys[place - 1])).toHaveLength(new Set(keys).size);
  });

  it('counts for nothing in the namespace of another type, and texts of others count for nothing in its own', () => {
    for (const [other, { namespace, example }] of kinds) {
      if (other === type) continue;
      expect(codeBy(retold(text, namespace))).toBe('E_NAMESPACE');
      const theirs = printStatement({ ...signing, ...example, type: other });
      expect(['E_APR_TYPE', 'E_STATEMENT']).toContain(codeBy(retold(theirs)));
      // Two types may have the same lines: the namespace alone tells their signatures apart.
      const renamed = theirs.replace(`type: ${other}`, `type: ${type}`);
      expect(['E_NAMESPACE', 'E_STATEMENT']).toContain(codeBy(retold(renamed, namespace)));
    }
  });

  it('is refused with any line changed, missing, doubled or moved, by the code of that line', () => {
    const told = (body: readonly string[]): string =>
      [...text.split('\n').slice(0, HEAD.length), ...body, ''].join('\n');
    for (const [place, line] of lines.entries()) {
      const key = keyOf(line);
      const changed = told(lines.with(place, `${key}: no value of any line`));
      // What only the signer knows has to be readable; what is known has to be that.
      const readable = codeOf(() => void claimsOf(changed, type));
      const code = readable === 'ok' ? (kind.faults[key] ?? OTHER_WORDS) : 'E_STATEMENT';
      expect([key, codeBy(retold(changed))]).toEqual([key, code]);
      expect([key, codeBy(retold(told(lines.toSpliced(place, 1))))]).not.toEqual([key, 'ok']);
      expect([key, codeBy(retold(told(lines.toSpliced(place, 0, line))))]).not.toEqual([key, 'ok']);
    }
    const moved = [...lines.slice(-1), ...lines.slice(0, -1)];
    expect(codeBy(retold(told(moved)))).toBe(lines.length > 1 ? 'E_STATEMENT' : 'ok');
    expect(codeBy(retold(text.replace(root, sha256('another root'))))).toBe('E_APR_GENESIS');
    expect(codeBy(sign(statement, { key: 'alice' }))).toBe('E_KEY_PRINCIPAL');
    const unknown = Object.keys(kind.faults).filter((key) => !lines.map(keyOf).includes(key));
    expect(unknown).toEqual([]);
  });

  it('is published under a topic that its branch can have, or with its proposal', () => {
    expect(codeOf(() => void travelsOf(type))).toBe(kind.travels === null ? 'E_BUG' : 'ok');
    if (kind.travels === null) return;
    const names = { request: REQUEST.id, policy: policyTopicName(2) };
    const name = names[kind.travels.about];
    expect(topicKind(name)).toBe(kind.travels.about);
    expect(statementBranch(name, text)).toMatch(new RegExp(`^pam-statements/${name}\\.[0-9a-f]{16}$`, 'u'));
  });

  it('stands at a forge that knows accounts as it says, and for no other type', () => {
    const { travels } = kind;
    if (travels === null) return;
    expect(travels.stands).toContain(travels.as);
    const signed = sign(statement);
    const found = (id: number, intent: Intent, human = true): Found => ({
      place: 'there',
      signed,
      posted: { by: { id, login: 'x', human }, intent },
    });
    const stands = (one: Found, as = type): boolean => standing(as, [policy], [one]).length > 0;
    const any = travels.account === 'any';
    for (const intent of ['approve', 'object', 'comment', 'dismissed'] as const) {
      const meant = travels.stands.some((one) => one === intent);
      expect([intent, stands(found('bob'.length, intent))]).toEqual([intent, any || meant]);
      expect([intent, stands(found('alice'.length, intent))]).toEqual([intent, any]);
      expect([intent, stands(found('bob'.length, intent, false))]).toEqual([intent, any]);
    }
    // Plain Git knows no accounts.
    expect(stands({ place: 'branch', signed, posted: null })).toBe(true);
    const taken = kinds.map(([one]) => one).filter((one) => stands(found('bob'.length, travels.as), one));
    expect(taken).toEqual([type]);
  });
});
