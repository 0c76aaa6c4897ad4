/**
 * The text around a signature. Strict on purpose: one block, one spelling of its base64, nothing before or after.
 *
 * Three things that honest tools do on the way are forgiven: CRLF line ends (GitHub review bodies), a missing
 * final newline, and one blank line before or after. `ssh-keygen` up to at least 9.2 forgives less, so what is
 * kept or handed to it is always `printArmor`'s form.
 */
import { expected, PamError } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import { decodeBase64 } from './base64.ts';

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const COLUMNS = 70;
/** The most that a statement with its signature, or a signature alone, may take (DESIGN section 3). */
export const MAX_SIGNED_BYTES = 8192;

const STATEMENT_TEXT = /^(?:[\x20-\x7e]+\n)+$/u;

/** The SSHSIG blob inside one armor block. */
export function parseArmor(text: string): Uint8Array {
  requireSize(text);
  const lines = withoutBlankEdges(withLineFeeds(text)).split('\n');
  const body = lines.slice(1, -1);
  if (lines.length < 3 || lines[0] !== BEGIN || lines.at(-1) !== END || !isWrapped(body)) {
    throw notArmor(text);
  }
  const blob = decodeBase64(body.join(''));
  if (blob === undefined) throw notArmor(text);
  return blob;
}

/** The block as `ssh-keygen -Y sign` writes it. */
export function printArmor(blob: Uint8Array): string {
  const base64 = Buffer.from(blob).toString('base64');
  const rows = Math.ceil(base64.length / COLUMNS);
  const body = Array.from({ length: rows }, (_, row) => base64.slice(row * COLUMNS, (row + 1) * COLUMNS));
  return [BEGIN, ...body, END, ''].join('\n');
}

/** Is it, byte for byte, what `printArmor` writes? Anything else may be an armor that `ssh-keygen` refuses. */
export function isPlainArmor(text: string): boolean {
  try {
    return printArmor(parseArmor(text)) === text;
  } catch (error) {
    expected(error);
    return false;
  }
}

/**
 * Cuts a file or fenced block of statement text and armor at the first BEGIN line. The text comes back with LF
 * line ends, the armor as `printArmor` writes it. Says nothing about what was signed or by whom.
 */
export function splitSigned(bytes: Uint8Array | string): Signed {
  requireSize(bytes);
  const whole = withLineFeeds(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'));
  const lines = whole.split('\n');
  const cut = lines.indexOf(BEGIN);
  if (cut === -1) {
    throw new PamError('E_SIG_MISSING', 'no ssh signature follows the statement', { hint: hintFor(whole) });
  }
  const text = withoutBlankEdges(
    lines
      .slice(0, cut)
      .map((line) => `${line}\n`)
      .join(''),
  );
  if (!STATEMENT_TEXT.test(`${text}\n`)) {
    throw new PamError('E_STATEMENT', 'a statement is lines of printable ASCII and nothing else');
  }
  return { text: `${text}\n`, armor: printArmor(parseArmor(lines.slice(cut).join('\n'))) };
}

/** The file or fenced block that `splitSigned` reads. */
export function joinSigned(signed: Signed): string {
  return signed.text + signed.armor;
}

function requireSize(bytes: Uint8Array | string): void {
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  if (size > MAX_SIGNED_BYTES) {
    throw new PamError('E_SIG_SIZE', `a signature with its statement is at most ${MAX_SIGNED_BYTES} bytes`);
  }
}

function withLineFeeds(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

/** Takes off the final newline, and one blank line at each end. */
function withoutBlankEdges(text: string): string {
  return text.replace(/^\n/u, '').replace(/\n{1,2}$/u, '');
}

/** Every line as long as the first, the last one at most: the shape that any line wrapper makes. */
function isWrapped(lines: readonly string[]): boolean {
  const width = lines[0]?.length ?? 0;
  return lines.every((line, index) =>
    index < lines.length - 1 ? line.length === width : line.length > 0 && line.length <= width,
  );
}

function notArmor(text: string): PamError {
  return new PamError('E_ARMOR', 'this is not exactly one ssh signature block', { hint: hintFor(text) });
}

function hintFor(text: string): string {
  return text.includes('-----BEGIN PGP ')
    ? 'OpenPGP signatures do not count here, sign with an ssh key: pam approve, or ssh-keygen -Y sign'
    : `expected the lines from ${BEGIN} to ${END} as ssh-keygen writes them`;
}
