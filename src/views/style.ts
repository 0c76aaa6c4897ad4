/** Colour per stream: `--color` > `NO_COLOR` > `FORCE_COLOR` > `TERM=dumb` > is it a terminal. Never the only sign. */

export type ColorChoice = 'auto' | 'always' | 'never';

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

export function wantsColor(
  choice: ColorChoice,
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  if (env['TERM'] === 'dumb') return false;
  return isTerminal;
}

const plain = (text: string): string => text;
export const PLAIN: Style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };

export async function styleOf(color: boolean): Promise<Style> {
  if (!color) return PLAIN;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return { bold: chalk.bold, dim: chalk.dim, good: chalk.green, bad: chalk.red, warn: chalk.yellow };
}
