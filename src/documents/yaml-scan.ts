/**
 * What a YAML text holds, judged from its tokens, before anything recursive may see it.
 *
 * The composer makes nodes recursively, and V8 *aborts the process* (no exception to catch) when that runs
 * out of stack inside a regular expression. The lexer is a loop, and the first half of the parser keeps its open
 * collections on a stack of its own: it is fed one token at a time here and dropped once that stack is too high.
 * So no quote, comment or broken line can hide a level, whatever the parser makes of it. A mapping of one pair in
 * a list, `[a: b]`, shows only later; so at most twice this depth is ever composed, and `yaml.ts` refuses the rest.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import { CST, Lexer, Parser } from 'yaml';

export const MAX_DEPTH = 32;

export interface ScanFault {
  readonly code: ErrorCode;
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
}

export const TOO_DEEP = { code: 'E_YAML_DEPTH', message: `nested more than ${MAX_DEPTH} deep` } as const;

/** The second half of the parser goes on from these: a text is read once. */
export interface Scanned {
  readonly tokens: readonly CST.Token[];
}

/** The whole text as tokens, or the first thing in it that pam's YAML does not have. */
export function scanYaml(text: string): Scanned | ScanFault {
  const directive = /^%/mu.exec(text);
  if (directive !== null) {
    return { code: 'E_YAML_DIRECTIVE', message: 'a line starts with %', offset: directive.index };
  }
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let started = false;
  // The lexer announces a scalar by a mark; the text that follows is no syntax, whatever it looks like.
  let scalarNext = false;
  for (const lexeme of lexemes(text)) {
    const offset: number = parser.offset;
    const type: TokenType = scalarNext ? 'scalar' : CST.tokenType(lexeme);
    const fault = scalarNext ? undefined : refusedToken(type, started);
    if (fault !== undefined) return { ...fault, offset };
    tokens.push(...parser.next(lexeme));
    if (depthOf(parser) > MAX_DEPTH) return { ...TOO_DEEP, offset };
    scalarNext = !scalarNext && type === 'scalar';
    started ||= !MARGIN.has(type);
  }
  tokens.push(...parser.end());
  return { tokens };
}

/** Typed by hand: the lexer's own type also says what it may be sent, which is nothing. */
const lexemes = (text: string): Iterable<string> => new Lexer().lex(text);

type TokenType = ReturnType<typeof CST.tokenType>;

/** What may stand before `---`. */
const MARGIN: ReadonlySet<TokenType> = new Set<TokenType>(['doc-mode', 'space', 'newline', 'comment']);
const QUOTE = 'put the text in quotes';
const REFUSED = new Map<TokenType, Omit<ScanFault, 'offset'>>([
  ['anchor', { code: 'E_YAML_ALIAS', message: `anchors (&) are not allowed; ${QUOTE}` }],
  ['alias', { code: 'E_YAML_ALIAS', message: `aliases (*) are not allowed; ${QUOTE}` }],
  ['tag', { code: 'E_YAML_TAG', message: `tags (!) are not allowed; ${QUOTE}` }],
  ['directive-line', { code: 'E_YAML_DIRECTIVE', message: 'directives (%) are not allowed' }],
  ['doc-end', { code: 'E_YAML_MULTIDOC', message: 'document ends (...) are not allowed' }],
]);

function refusedToken(type: TokenType, started: boolean): Omit<ScanFault, 'offset'> | undefined {
  if (type !== 'doc-start' || !started) return REFUSED.get(type);
  return { code: 'E_YAML_MULTIDOC', message: 'one file holds one document' };
}

const COLLECTIONS: ReadonlySet<string> = new Set(['block-map', 'block-seq', 'flow-collection']);

function depthOf(parser: Parser): number {
  return parser.stack.length <= MAX_DEPTH
    ? parser.stack.length
    : parser.stack.filter(({ type }) => COLLECTIONS.has(type)).length;
}
