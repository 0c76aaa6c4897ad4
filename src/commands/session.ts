/**
 * What a command gets, and what it gives back. A command is four steps: parse, call one flow, hand the result to
 * a view, return an `Answer`. It never prints, never exits, never reads clock or environment.
 */
import type { Command } from 'commander';
import { PamError } from '../model/error.ts';
import type { Exit } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Machine } from '../model/machine.ts';
import { isRequestId, type RequestId } from '../model/names.ts';
import type { Auditors } from '../flows/audit/ledger-part.ts';
import type { Desk, Executor } from '../flows/desk.ts';
import { isPullRequest, isShortId } from '../flows/gather/name-request.ts';
import type { Choice } from '../views/ask.ts';
import type { Style } from '../views/style.ts';
import type { Identity } from './identity.ts';
import type { Program } from './vendored-program.ts';

export interface Answer {
  readonly exit: Exit;
  /** `pam.<kind>/1` */
  readonly schema: string;
  readonly document: Readonly<Record<string, unknown>>;
  readonly text: string;
  /**
   * What was published, and how to take it back: told when an interrupt came too late to keep it in. `null`: being
   * interrupted is how the command ends. Without it an interrupted command exits with 130.
   */
  readonly out?: string | null;
}

export interface Globals {
  readonly dir: string;
  readonly json: boolean;
  readonly as: string | undefined;
  readonly key: string | undefined;
  readonly executor: string | undefined;
  readonly executorKey: string | undefined;
}

export interface Session {
  readonly globals: Globals;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of stdout. */
  readonly style: Style;
  readonly terminal: boolean;
  /** Of stdout's terminal, in characters. */
  readonly width: number;
  readonly desk: () => Promise<Desk>;
  /** Processes that audit a long ledger beside each other; `null` where there is one core. */
  readonly auditors: () => Auditors | null;
  /** The desk of another directory than `-C`: of one that was just made. */
  readonly deskAt: (dir: string) => Promise<Desk>;
  /** For looking at this machine, whether or not there is a desk on it. */
  readonly machine: () => Machine;
  readonly now: () => Instant;
  /** `$XDG_STATE_HOME`, or its default. */
  readonly stateHome: string;
  /** The files that run now. */
  readonly program: Program;
  /** Who am I, and which keys are at hand. */
  readonly identity: Identity;
  /** A file that the command line names: from where the run was started. */
  readonly file: (path: string) => string;
  /** `null` when neither flag nor environment names one. */
  readonly executor: () => Executor | null;
  /** Prints a part of the answer at once, for what takes long. */
  readonly tell: (text: string) => void;
  /** Shows a text on stderr, before a question. */
  readonly show: (text: string) => void;
  /** A yes, or `--yes`; without a terminal and without `--yes` it is `E_USAGE`. */
  readonly confirm: (question: string, yes: boolean) => Promise<void>;
  /** The person types the id again. */
  readonly retype: (question: string, id: string, yes: boolean) => Promise<void>;
  /** Is there a terminal to ask on, and no `--no-input`? */
  readonly mayAsk: () => boolean;
  /** A text, asked until `faultOf` has nothing against it. Only where `mayAsk`. */
  readonly askText: (
    question: string,
    initial: string,
    faultOf: (text: string) => string | undefined,
  ) => Promise<string>;
  /** The value of one of the choices. Only where `mayAsk`. */
  readonly pick: (question: string, choices: readonly Choice[]) => Promise<string>;
  /** What stays on this machine when the command is cut off from now on, instead of nothing at all. */
  readonly leaves: (what: string) => void;
  /** Aborted when the command is cut off, for work that does not go through the desk. */
  readonly cutOff: AbortSignal;
  readonly done: (answer: Answer) => void;
}

export type Register = (program: Command, session: (command: Command) => Session) => void;

export function requestId(text: string): RequestId {
  if (isRequestId(text)) return text;
  throw new PamError('E_USAGE', `${JSON.stringify(text)} is not a request id`, {
    hint: 'ids look like 20261122-orders-dba-7k3fq2, and 7k3fq2 is enough; `pam status` lists them',
  });
}

/** An id, its last six characters, or the number or URL of a pull request; what it stands for is looked up later. */
export const requestOrPull = (text: string): string =>
  isPullRequest(text) || isShortId(text) ? text : requestId(text);

export function needExecutor(session: Session): Executor {
  const executor = session.executor();
  if (executor !== null) return executor;
  throw new PamError('E_USAGE', 'this command needs an executor', {
    hint: 'give --executor and --executor-key, or set PAM_EXECUTOR and PAM_EXECUTOR_KEY',
  });
}

/** Of a denial, a withdrawal and a revocation alike. */
export const stopOut = (id: string): string =>
  `the stop of ${id} is out, and a stop is final: whoever needs the access asks again`;

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
