/**
 * The only door for YAML. In this order: size, encoding, characters, token scan (depth, tags, anchors, directives,
 * documents), and only then the parser; any error or warning of the parser is a refusal. What comes out is plain
 * data without prototypes (a key such as `constructor` finds nothing by accident) plus the place of every value.
 * A text that is plain enough goes a shorter way to the same end (`plain-yaml.ts`).
 */
import type { ErrorCode } from '../model/error-codes.ts';
import {
  Composer,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { expected, type Issue, PamError, type PamErrorOptions } from '../model/error.ts';
import { decodeText, quoted, textFault } from './plain-text.ts';
import { type PlainYaml, readPlainYaml } from './plain-yaml.ts';
import { MAX_DEPTH, scanYaml, TOO_DEEP } from './yaml-scan.ts';

export const REQUEST_BYTES = 16 * 1024;
export const POLICY_BYTES = 256 * 1024;

/** More would tell a person nothing. */
const MOST_ISSUES = 50;

export interface Place {
  readonly line: number;
  readonly col: number;
}

export interface YamlFile {
  readonly text: string;
  readonly data: unknown;
  /** Where the value at a JSON pointer stands, or the nearest one around it. */
  readonly placeOf: (pointer: string) => Place | undefined;
  /** Every text in it, keys too, after escapes were decoded. */
  readonly texts: readonly { readonly pointer: string; readonly value: string }[];
}

/** Throws PamError with one or more issues, all at `file`. */
export function readYaml(bytes: Uint8Array, file: string, maxBytes: number): YamlFile {
  const text = decode(bytes, file, maxBytes);
  const { data, places, texts } = readPlainYaml(text) ?? parseYaml(text, file);
  let lines: LineCounter | undefined;
  return { text, data, texts, placeOf: (pointer) => nearest(places, pointer, (lines ??= linesOf(text))) };
}

/** By the parser, whatever is in it. */
export function parseYaml(text: string, file: string): PlainYaml {
  const lines = linesOf(text);
  const issueAt = (code: ErrorCode, message: string, offset: number): Issue => {
    const { line, col } = lines.linePos(offset);
    return { file, line, col, code, message };
  };
  const scanned = textFault(text) ?? scanYaml(text);
  if (!('tokens' in scanned)) throw refusal([issueAt(scanned.code, scanned.message, scanned.offset)]);

  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    strict: true,
    merge: false,
    prettyErrors: false,
    // Done below: the parser's own check is quadratic.
    uniqueKeys: false,
    logLevel: 'error',
  });
  const [document, another] = composer.compose(scanned.tokens, true, text.length);
  if (document === undefined || another !== undefined) {
    throw refusal([issueAt('E_YAML_MULTIDOC', 'one file holds one document', another?.range[0] ?? 0)]);
  }
  const problems: readonly YAMLError[] = [...document.errors, ...document.warnings].slice(0, MOST_ISSUES);
  if (problems.length > 0) {
    throw refusal(problems.map((error) => issueAt('E_YAML_SYNTAX', sentence(error), error.pos[0])));
  }
  const reader = new TreeReader(issueAt);
  const data = reader.read(document.contents, '', 0);
  if (reader.issues.length > 0) throw refusal(reader.issues.slice(0, MOST_ISSUES));
  return { data, places: reader.places, texts: reader.texts };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

/** One error for many issues: the code of the first, all of them attached. */
export function refusal(issues: readonly Issue[], options: PamErrorOptions = {}): PamError {
  const first = issues[0];
  if (first === undefined) throw new PamError('E_BUG', 'refused a document without a reason');
  const files = new Set(issues.map((issue) => issue.file));
  const place = files.size === 1 ? first.file : `${files.size} files`;
  const message =
    issues.length === 1 ? `${first.file}: ${first.message}` : `${issues.length} problems in ${place}`;
  return new PamError(first.code, message, { ...options, issues });
}

function decode(bytes: Uint8Array, file: string, maxBytes: number): string {
  try {
    return decodeText(bytes, maxBytes);
  } catch (cause) {
    const error = expected(cause);
    throw new PamError(error.code, `${file}: ${error.message}`, {
      issues: [{ file, code: error.code, message: error.message }],
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** The parser's words, as a sentence of pam. They name kinds of mistakes, never text from the file. */
function sentence({ code, message }: YAMLError): string {
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return 'a second ": " in one line; put the text in quotes';
  const first = message.split('\n', 1)[0] ?? '';
  const words = first.replace(/ at line \d+, column \d+:?$/u, '').replace(/[.:]$/u, '');
  return `${words.slice(0, 1).toLowerCase()}${words.slice(1)}`.replace(/[^ -~]/gu, '?');
}

function nearest(
  places: ReadonlyMap<string, number>,
  pointer: string,
  lines: LineCounter,
): Place | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const offset = places.get(at);
    if (offset !== undefined) return lines.linePos(offset);
    if (at === '') return undefined;
  }
}

export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Recursion is safe here: the scan has bounded the depth to about twice what is allowed. */
class TreeReader {
  readonly places = new Map<string, number>();
  readonly texts: { pointer: string; value: string }[] = [];
  readonly issues: Issue[] = [];

  constructor(private readonly issueAt: (code: ErrorCode, message: string, offset: number) => Issue) {}

  read(node: unknown, pointer: string, depth: number): unknown {
    // Whatever the parser gives is a node with a range, or null for "nothing here".
    const offset = (node as Node | null)?.range?.[0];
    if (offset !== undefined && !this.places.has(pointer)) this.places.set(pointer, offset);
    if (depth === MAX_DEPTH && (isMap(node) || isSeq(node))) {
      this.issues.push(this.issueAt(TOO_DEEP.code, TOO_DEEP.message, offset ?? 0));
      return null;
    }
    if (isMap(node)) return this.readMap(node, pointer, depth + 1);
    if (isSeq(node)) {
      return node.items.map((item, index) => this.read(item, pointerTo(pointer, index), depth + 1));
    }
    if (!isScalar(node)) return null;
    if (typeof node.value === 'string') this.texts.push({ pointer, value: node.value });
    return node.value;
  }

  private readMap(map: YAMLMap, pointer: string, depth: number): Record<string, unknown> {
    // No prototype, see the head of this file.
    const result = Object.create(null) as Record<string, unknown>;
    for (const pair of map.items) {
      const key = isPair(pair) ? pair.key : undefined;
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : (map.range?.[0] ?? 0);
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.issues.push(this.issueAt('E_YAML_KEY', 'a key must be text', offset));
      } else if (Object.hasOwn(result, key.value)) {
        this.issues.push(
          this.issueAt('E_YAML_DUPKEY', `the key ${quoted(key.value)} stands here twice`, offset),
        );
      } else {
        const child = pointerTo(pointer, key.value);
        this.places.set(child, offset);
        this.texts.push({ pointer: child, value: key.value });
        result[key.value] = this.read(pair.value, child, depth);
      }
    }
    return result;
  }
}
