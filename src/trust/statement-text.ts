/**
 * The text of a statement, as a person signs it (DESIGN section 4): ASCII, fixed order, one `key: value` a line,
 * LF, no optional lines. Verifiers print the text they expect and compare bytes; the only things read *out* of a
 * given text are the claims that its signer alone can know (`claimsOf`), and those are printed back in.
 */
import { PamError } from '../model/error.ts';
import { type Instant, parseInstant } from '../model/instant.ts';
import { isName, isSha256 } from '../model/names.ts';
import type { Capacity, LedgerPoint, Statement } from '../model/statement.ts';
import { sortBytes } from './digest.ts';

export function printStatement(statement: Statement): string {
  const lines: [string, string][] = [
    ['pam-statement', 'v1'],
    ['type', statement.type],
    ['root', statement.root],
    ['signer', statement.signer],
    ['signed-at', statement.signedAt],
    ...bodyOf(statement),
  ];
  return lines.map(([key, value]) => `${key}: ${value}\n`).join('');
}

function bodyOf(statement: Statement): [string, string][] {
  switch (statement.type) {
    case 'request':
      return [
        ['request', statement.request],
        ['request-sha256', statement.requestSha256],
      ];
    case 'approval': {
      const { grant } = statement;
      return [
        ['request', statement.request],
        ['request-sha256', statement.requestSha256],
        ['subject', grant.subject],
        ['target', grant.target],
        ['login', grant.login],
        ...sortBytes(grant.permissions).map((one): [string, string] => ['permission', quote(one)]),
        ['login-key', grant.loginKey ?? '-'],
        ['duration', grant.duration],
        ['start', grant.start ?? '-'],
        ['capacity', statement.capacity],
        ['because', quoteOrDash(statement.because)],
        ['ledger', `${statement.ledger.seq} ${statement.ledger.head}`],
      ];
    }
    case 'stop':
      return [
        ['request', statement.request],
        ['because', quoteOrDash(statement.because)],
      ];
    case 'policy':
      return [
        ['seq', String(statement.seq)],
        ['policy-sha256', statement.policySha256],
        ['previous-sha256', statement.previousSha256 ?? '-'],
      ];
  }
}

/** A JSON string in which everything outside 0x20-0x7e is `\uXXXX`. */
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const unit = text.charCodeAt(i);
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (unit < 0x20 || unit > 0x7e) out += `\\u${unit.toString(16).padStart(4, '0')}`;
    else out += char;
  }
  return `${out}"`;
}

const quoteOrDash = (text: string | null): string => (text === null ? '-' : quote(text));

/** What only the signer can know. Shapes are checked; truth is not: print them back and compare. */
export interface Claims {
  readonly signer: string;
  readonly signedAt: Instant;
  readonly because: string | null;
  readonly capacity: Capacity | null;
  readonly ledger: LedgerPoint | null;
  /** All lines by key, those of one key together; for saying which line differs. */
  readonly lines: ReadonlyMap<string, string>;
}

export function claimsOf(text: string): Claims {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const cut = line.indexOf(': ');
    if (cut <= 0) continue;
    const [key, value] = [line.slice(0, cut), line.slice(cut + 2)];
    const before = lines.get(key);
    lines.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const signer = lines.get('signer') ?? '';
  const signedAt = parseInstant(lines.get('signed-at') ?? '');
  if (lines.get('pam-statement') !== 'v1' || !isName(signer) || signedAt === undefined) {
    throw new PamError('E_STATEMENT', 'this is not a statement of version 1');
  }
  return {
    signer,
    signedAt,
    because: unquote(lines.get('because')),
    capacity: capacityOf(lines.get('capacity')),
    ledger: pointOf(lines.get('ledger')),
    lines,
  };
}

function unquote(value: string | undefined): string | null {
  if (value === undefined || value === '-') return null;
  try {
    const text: unknown = JSON.parse(value);
    if (typeof text === 'string') return text;
  } catch {
    // Falls through to the one error.
  }
  throw new PamError('E_STATEMENT', 'the line "because" is neither "-" nor a JSON string');
}

function capacityOf(value: string | undefined): Capacity | null {
  if (value === 'named' || value === 'fallback') return value;
  if (value?.startsWith('delegate:') === true && isName(value.slice('delegate:'.length))) {
    return `delegate:${value.slice('delegate:'.length)}`;
  }
  return null;
}

function pointOf(value: string | undefined): LedgerPoint | null {
  const [seq = '', head = '', ...rest] = (value ?? '').split(' ');
  if (!/^(?:0|[1-9][0-9]{0,14})$/u.test(seq) || !isSha256(head) || rest.length > 0) return null;
  return { seq: Number(seq), head };
}

/** Which line says something else than expected; `undefined` when only order, number or spelling differ. */
export function firstDifference(
  expected: string,
  claimed: Claims,
): { readonly key: string; readonly expected: string; readonly found: string | undefined } | undefined {
  for (const [key, value] of claimsOf(expected).lines) {
    const found = claimed.lines.get(key);
    if (found !== value) return { key, expected: value, found };
  }
  return undefined;
}
