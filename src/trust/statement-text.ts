/**
 * The text of a statement, as a person signs it (DESIGN section 4): ASCII, fixed order, one `key: value` a line,
 * LF, no optional lines. Verifiers print the text they expect and compare bytes; the only things read *out* of a
 * given text are the claims that its signer alone can know (`claimsOf`), and those are printed back in.
 */
import { expected, PamError } from '../model/error.ts';
import { type Instant, parseInstant } from '../model/instant.ts';
import { isName } from '../model/names.ts';
import type { Claimed, LedgerPoint, StatementOf, StatementType } from '../model/statement.ts';
import { STATEMENT_KINDS } from './statements/registry.ts';

/** What every statement begins with. */
export const FIRST_LINE = 'pam-statement: v1';

export function printStatement<T extends StatementType>(statement: StatementOf<T>): string {
  const type: T = statement.type;
  const lines = [
    ['type', type],
    ['root', statement.root],
    ['signer', statement.signer],
    ['signed-at', statement.signedAt],
    ...STATEMENT_KINDS[type].lines(statement),
  ];
  return `${FIRST_LINE}\n${lines.map(([key, value]) => `${key}: ${value}\n`).join('')}`;
}

/** What a text says of itself, whatever its type. Shapes are checked; truth is not: print it back and compare. */
export interface Claims {
  readonly signer: string;
  readonly signedAt: Instant;
  /** All lines by key, those of one key together; for saying which line differs. */
  readonly lines: ReadonlyMap<string, string>;
}

/**
 * @param type also reads what a signer of that type claims
 * @throws PamError `E_STATEMENT`
 */
export function claimsOf(text: string): Claims;
export function claimsOf<T extends StatementType>(text: string, type: T): Claims & Claimed<T>;
export function claimsOf(text: string, type?: StatementType): Claims {
  const lines = linesOf(text);
  const signer = lines.get('signer') ?? '';
  const signedAt = parseInstant(lines.get('signed-at') ?? '');
  if (lines.get('pam-statement') !== 'v1' || !isName(signer) || signedAt === undefined) {
    throw new PamError('E_STATEMENT', 'this is not a statement of version 1');
  }
  const claimed = type === undefined ? {} : STATEMENT_KINDS[type].claims(lines);
  return { ...claimed, signer, signedAt, lines };
}

function linesOf(text: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const cut = line.indexOf(': ');
    if (cut <= 0) continue;
    const [key, value] = [line.slice(0, cut), line.slice(cut + 2)];
    const before = lines.get(key);
    lines.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return lines;
}

/** The ledger entry that a statement of this type names; `undefined` where it names none, or is no such statement. */
export function namedPoint(text: string, type: StatementType): LedgerPoint | undefined {
  try {
    const claims = claimsOf(text, type);
    return 'ledger' in claims ? claims.ledger : undefined;
  } catch (error) {
    // It is refused when it is judged.
    expected(error);
    return undefined;
  }
}

/** Which line says something else than expected; `undefined` when only order, number or spelling differ. */
export function firstDifference(
  wanted: string,
  claimed: Claims,
): { readonly key: string; readonly expected: string; readonly found: string | undefined } | undefined {
  for (const [key, value] of linesOf(wanted)) {
    const found = claimed.lines.get(key);
    if (found !== value) return { key, expected: value, found };
  }
  return undefined;
}
