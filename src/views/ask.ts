/** Questions, on a terminal only; without one the missing flag is named. Asked on stderr: stdout is the answer. */
import { PamError } from '../model/error.ts';
import { line } from './escape.ts';
import type { Input, Output } from './output.ts';

interface Terminal {
  readonly stdin: Input;
  readonly stderr: Output;
}

function needTerminal(mayAsk: boolean): void {
  if (mayAsk) return;
  throw new PamError('E_USAGE', 'this needs a yes, and there is no terminal to ask on', {
    hint: 'add --yes',
  });
}

const declined = (): PamError => new PamError('E_DECLINED', 'nothing was signed and nothing was changed');

const cancelled = (): PamError =>
  new PamError('E_INTERRUPTED', 'interrupted: nothing was signed and nothing was changed');

export async function askYes(question: string, mayAsk: boolean, at: Terminal): Promise<void> {
  needTerminal(mayAsk);
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({
    message: question,
    initialValue: false,
    input: at.stdin,
    output: at.stderr,
  });
  if (isCancel(answer)) throw cancelled();
  if (!answer) throw declined();
}

export async function retype(question: string, id: string, mayAsk: boolean, at: Terminal): Promise<void> {
  needTerminal(mayAsk);
  const { text, isCancel } = await import('@clack/prompts');
  const answer = await text({ message: `${question}:`, input: at.stdin, output: at.stderr });
  if (isCancel(answer)) throw cancelled();
  if (answer !== id) throw declined();
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export async function askText(
  question: string,
  initial: string,
  faultOf: (text: string) => string | undefined,
  at: Terminal,
): Promise<string> {
  const { text, isCancel } = await import('@clack/prompts');
  const validate = (typed: string | undefined): string | undefined => faultOf((typed ?? '').trim());
  const answer = await text({
    message: question,
    initialValue: initial,
    validate,
    input: at.stdin,
    output: at.stderr,
  });
  if (isCancel(answer)) throw cancelled();
  return answer.trim();
}

export async function pick(question: string, choices: readonly Choice[], at: Terminal): Promise<string> {
  const { select, isCancel } = await import('@clack/prompts');
  const options = choices.map(({ value, label }) => ({ value, label: line(label) }));
  const answer = await select({ message: question, options, input: at.stdin, output: at.stderr });
  if (isCancel(answer)) throw cancelled();
  return answer;
}
