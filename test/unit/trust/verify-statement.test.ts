import { describe, expect, it } from 'vitest';
import type { Signed, StatementOf } from '../../../src/model/statement.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { printStatement } from '../../../src/trust/statement-text.ts';
import { verifyStatement } from '../../../src/trust/verify-statement.ts';
import { STATEMENT_KINDS } from '../../../src/trust/statements/registry.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, policyOf, REQUEST, requestId, sign, signText, TEXTS } from '../../support/world.ts';

const { policy } = policyOf(TEXTS);
const honest: StatementOf<'stop'> = {
  type: 'stop',
  root: sha256('root'),
  signer: 'bob',
  signedAt: at('12:00'),
  request: REQUEST.id,
  because: 'no',
};
/** A verifier who knows the root and the request, and takes the rest from the signer. */
const verify = (signed: Signed) =>
  verifyStatement(policy, 'stop', signed, { root: honest.root, request: honest.request }, at('12:01'));

describe('one statement', () => {
  it('is verified with its holder, key and flags', () => {
    expect(verify(sign(honest))).toMatchObject({
      holder: { kind: 'person', id: 'bob' },
      claims: { signer: 'bob', because: 'no' },
      flags: { touched: false, verified: false },
    });
    expect(verify(sign(honest, { key: 'bob-sk', flags: 5 })).flags).toEqual({
      touched: true,
      verified: true,
    });
  });

  const text = printStatement(honest);
  it.each<readonly [string, Signed, string]>([
    ['another root', sign({ ...honest, root: sha256('other') }), 'E_APR_GENESIS'],
    ['another request', sign({ ...honest, request: requestId('20261122-dba-bbbbbb') }), 'E_APR_REQUEST'],
    [
      'another type in its own namespace',
      signText(text.replace('stop', 'request'), STATEMENT_KINDS.request.namespace, 'bob'),
      'E_NAMESPACE',
    ],
    [
      'another type in this namespace',
      signText(text.replace('stop', 'request'), STATEMENT_KINDS.stop.namespace, 'bob'),
      'E_APR_TYPE',
    ],
    ['a line more', signText(`${text}note: "x"\n`, STATEMENT_KINDS.stop.namespace, 'bob'), 'E_STATEMENT'],
    ['no last LF', signText(text.trimEnd(), STATEMENT_KINDS.stop.namespace, 'bob'), 'E_STATEMENT'],
    ['CRLF', signText(text.replaceAll('\n', '\r\n'), STATEMENT_KINDS.stop.namespace, 'bob'), 'E_STATEMENT'],
    [
      'another spelling of the reason',
      signText(text.replace('"no"', '"\\u006eo"'), STATEMENT_KINDS.stop.namespace, 'bob'),
      'E_APR_GRANT',
    ],
    ['another namespace', signText(text, STATEMENT_KINDS.approval.namespace, 'bob'), 'E_NAMESPACE'],
    [
      'another text under the signature',
      { text, armor: sign({ ...honest, because: 'x' }).armor },
      'E_SIGNATURE',
    ],
    ['no signature', { text, armor: '' }, 'E_ARMOR'],
    ['another key', sign(honest, { key: 'alice' }), 'E_KEY_PRINCIPAL'],
    ['an unknown key', sign(honest, { key: 'nobody' }), 'E_KEY_UNKNOWN'],
    ['signed ahead', sign({ ...honest, signedAt: at('12:06:01') }), 'E_APR_TIME'],
  ])('%s', (_, signed, code) => expect(codeOf(() => verify(signed))).toBe(code));

  it('says which line differs, with both values', () => {
    const other = sign({ ...honest, request: requestId('20261122-dba-bbbbbb') });
    expect(() => verify(other)).toThrow(
      /"request" must be 20261122-dba-aaaaaa, the statement says 20261122-dba-bbbbbb/u,
    );
  });
});
