/** The double as a program: one line of JSON in argv, then one call of its door a message, until the parent goes. */
import { type Github, type GithubOptions, startGithub } from './github.ts';

export interface Call {
  readonly id: number;
  readonly name: keyof Github;
  readonly parameters: readonly unknown[];
}

/** `ready` once, then one `id` a call. */
export type Told =
  | { readonly ready: string }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

const tell = (told: Told): void => {
  process.send?.(told);
};

const hub = await startGithub(JSON.parse(process.argv[2] ?? '') as GithubOptions);

async function answer({ id, name, parameters }: Call): Promise<void> {
  try {
    const door: unknown = hub[name];
    const result: unknown =
      typeof door === 'function' ? await (door as (...all: unknown[]) => unknown)(...parameters) : door;
    tell({ id, result });
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

process.on('message', (call: Call) => {
  void answer(call);
});
// Nobody is left who could ask.
process.on('disconnect', () => {
  process.exit();
});
tell({ ready: hub.url });
