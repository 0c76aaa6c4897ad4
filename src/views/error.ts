/** The one place where an error becomes text or JSON. */
import { PamError } from '../model/error.ts';
import { json, line } from './escape.ts';
import type { Style } from './style.ts';

export function errorText(error: PamError, style: Style): string {
  const lines = [`${style.bad('error:')} ${line(error.message)} [${error.code}]`];
  // A sentence that ends in its one reason says it already.
  const told = error.message.slice(error.message.indexOf(': ') + 2);
  const known = new Set<string>([error.message, told]);
  for (const issue of error.issues) {
    const place = [issue.file, issue.line, issue.col]
      .filter((part) => part !== undefined && part !== '')
      .join(':');
    const text = [place, issue.path, issue.message]
      .filter((part) => part !== undefined && part !== '')
      .join(' ');
    if (known.has(text)) continue;
    known.add(text);
    lines.push(`  ${line(text)} [${issue.code}]`);
  }
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by: ${line(cause.message)}`);
  }
  if (error.hint !== undefined) lines.push(`${style.bold('hint:')} ${line(error.hint)}`);
  return `${lines.join('\n')}\n`;
}

export function errorJson(error: PamError): string {
  const { code, message, hint, issues } = error;
  return `${json({ schema: 'pam.error/1', code, message, hint: hint ?? null, issues })}\n`;
}
