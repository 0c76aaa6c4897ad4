import type { Reason } from '../model/decision.ts';
import type { Exit, Issue } from '../model/error.ts';
import { line } from './escape.ts';
import type { Style } from './style.ts';

export function checkText(
  exit: Exit,
  issues: readonly Issue[],
  reasons: readonly Reason[],
  style: Style,
): string {
  const lines = [
    ...issues.map(({ file, line: row, col, path, message, code }) => {
      const place = [file, row, col].filter((part) => part !== undefined).join(':');
      return `${line([place, path, message].filter((part) => part !== undefined && part !== '').join(' '))} [${code}]`;
    }),
    ...reasons.map(
      (one) =>
        `  ${one.ok ? style.good('ok ') : style.bad('no ')} ${line(one.message)}${one.ok ? '' : ` [${one.code}]`}`,
    ),
  ];
  const verdict =
    exit === 0
      ? style.good('good')
      : exit === 8
        ? style.warn('pending')
        : style.bad(exit === 4 ? 'invalid' : 'refused');
  return `${[...lines, verdict].join('\n')}\n`;
}
