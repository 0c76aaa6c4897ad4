/** What every command that signs a statement about a request takes: asked here, on paper, or signed elsewhere. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { PamError } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import { splitSigned } from '../trust/armor.ts';
import type { Session } from './session.ts';

export interface SigningOptions {
  readonly reason?: string;
  readonly note?: string;
  readonly because?: string;
  readonly yes?: true;
  readonly print?: true;
  readonly statement?: string;
  readonly signature?: string;
}

/** The reason, by whichever of its names. */
export const reasonIn = ({ reason, because, note }: SigningOptions): string | null =>
  reason ?? because ?? note ?? null;

/** @param because what the reason is for, in the words of the help page */
export function withSigningOptions(command: Command, because: string): Command {
  return command
    .option('--reason <text>', because)
    .option('--because <text>', 'the same as --reason')
    .option('--note <text>', 'the same as --reason')
    .option('--yes', 'do not ask')
    .option('--print', 'only print the text to be signed')
    .option('--statement <file>', 'what was signed elsewhere ...')
    .option('--signature <file>', '... and its signature');
}

/** A statement signed on another machine, from two files, or from one that holds both. */
export async function signedElsewhere(at: Session, options: SigningOptions): Promise<Signed | undefined> {
  const { statement, signature } = options;
  if (statement === undefined && signature === undefined) return undefined;
  if (statement === undefined || signature === undefined) {
    throw new PamError('E_USAGE', '--statement and --signature go together');
  }
  const read = async (path: string): Promise<string> =>
    await readFile(at.file(path), 'utf8').catch((cause: unknown) => {
      throw new PamError('E_USAGE', `cannot read ${path}`, { cause });
    });
  const text = await read(statement);
  return splitSigned(`${text}${text.endsWith('\n') ? '' : '\n'}${await read(signature)}`);
}
