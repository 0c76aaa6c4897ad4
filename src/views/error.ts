/** The one place where an error becomes text or JSON. */
import { hintOf, type Issue, type PamError, placeOfIssue } from '../model/error.ts';
import { json, line } from './escape.ts';
import type { Style } from './style.ts';

export function errorText(error: PamError, style: Style): string {
  const lines = [`${style.bad('error:')} ${line(error.message)} [${error.code}]`];
  // A sentence that ends in its one reason says it already.
  const told = error.message.slice(error.message.indexOf(': ') + 2);
  const known = new Set<string>([error.message, told]);
  for (const { issue, more } of foldIssues(error.issues)) {
    const text = [placeOfIssue(issue), issue.path, issue.message]
      .filter((part) => part !== undefined && part !== '')
      .join(' ');
    if (known.has(text)) continue;
    known.add(text);
    lines.push(`  ${line(text)} [${issue.code}]${more === 0 ? '' : ` (${more} more)`}`);
  }
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by: ${line(cause.message)}`);
  }
  lines.push(`${style.bold('hint:')} ${line(hintOf(error))}`);
  return `${lines.join('\n')}\n`;
}

/** One wrong column makes every line after it wrong in the same words: the first of them is the one to mend. */
export function foldIssues(
  issues: readonly Issue[],
): readonly { readonly issue: Issue; readonly more: number }[] {
  const folded = new Map<string, { readonly issue: Issue; readonly more: number }>();
  for (const issue of issues) {
    const { file, path, code, message } = issue;
    const key = JSON.stringify([file, path ?? '', code, message]);
    const known = folded.get(key);
    folded.set(key, known === undefined ? { issue, more: 0 } : { ...known, more: known.more + 1 });
  }
  return [...folded.values()];
}

export function errorJson(error: PamError): string {
  const { code, message, issues } = error;
  return `${json({ schema: 'pam.error/1', code, message, hint: hintOf(error), issues })}\n`;
}
