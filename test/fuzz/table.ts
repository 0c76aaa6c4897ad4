/**
 * Runs mutants and counts where they ended. Each ends in a layer by name; the table at the end says how many, and a
 * layer that gets less than its share fails the test: mutants that all die in the parser prove nothing about rules.
 *
 * `PAM_SEED` and `PAM_RUNS` (mutants of each table) choose others, `PAM_MUTANT` one alone. A failure prints the three.
 */
import { expect, it } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { Random } from './random.ts';

export const seed = Number(process.env['PAM_SEED'] ?? 20_261_122);

export interface Mutant {
  /** What was made, for people; printed escaped when it did what it must not. */
  readonly shown: string | Uint8Array;
  /** The layer that it died in, or what it was accepted as. Throws when a promise is broken. */
  readonly judge: () => string | Promise<string>;
}

export interface Table {
  /** How many mutants, unless told otherwise. */
  readonly runs: number;
  /** Least share of all mutants that must end in a layer. */
  readonly shares: Readonly<Record<string, number>>;
}

/** Of CPU: far above what any of them takes, far below "hangs". */
const SLOWEST_MS = 3000;
export function fuzz(title: string, { runs: usual, shares }: Table, make: (random: Random) => Mutant): void {
  const only = process.env['PAM_MUTANT'];
  const runs = Number(process.env['PAM_RUNS'] ?? usual);
  it(`${title} (seed ${seed}, ${runs} mutants)`, async () => {
    const counts = new Map<string, number>();
    const begun = process.cpuUsage();
    let slowest = 0;
    for (let number = Number(only ?? 0); number < (only === undefined ? runs : Number(only) + 1); number++) {
      const mutant = make(new Random(seed, number));
      const from = process.cpuUsage();
      try {
        const judged = mutant.judge();
        const layer = typeof judged === 'string' ? judged : await judged;
        counts.set(layer, (counts.get(layer) ?? 0) + 1);
      } catch (cause) {
        const how = `PAM_SEED=${seed} PAM_MUTANT=${number}`;
        throw new Error(`${title}: ${how}: ${told(cause)}\n${shown(mutant.shown)}`, { cause });
      }
      slowest = Math.max(slowest, process.cpuUsage(from).user / 1000);
    }
    if (only !== undefined) return;
    print(title, runs, counts, { seconds: process.cpuUsage(begun).user / 1e6, slowest });
    expect(slowest).toBeLessThan(SLOWEST_MS);
    // Below the usual number, shares are a matter of luck.
    if (runs < usual) return;
    for (const [layer, share] of Object.entries(shares)) {
      expect({ layer, enough: (counts.get(layer) ?? 0) >= runs * share }).toEqual({ layer, enough: true });
    }
  }, 600_000);
}

export function broken(promise: string): never {
  throw new Error(promise);
}

/** The code of a typed refusal. Anything else goes on up and is a broken promise. */
export function refusal(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof PamError && error.code !== 'E_BUG') return error.code;
    throw error;
  }
}

/** The first layer whose pattern fits the code. */
export function layerOf(code: string, layers: Readonly<Record<string, RegExp>>): string {
  const found = Object.entries(layers).find(([, pattern]) => pattern.test(code));
  return found?.[0] ?? broken(`no layer for ${code}`);
}

const told = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);

function shown(mutant: string | Uint8Array): string {
  const text = typeof mutant === 'string' ? mutant : Buffer.from(mutant).toString('latin1');
  return JSON.stringify(text).replace(
    /[^ -~]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function print(
  title: string,
  runs: number,
  counts: ReadonlyMap<string, number>,
  took: { readonly seconds: number; readonly slowest: number },
): void {
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  const lines = rows.map(
    ([layer, count]) =>
      `${String(count).padStart(8)} ${((count / runs) * 100).toFixed(1).padStart(5)} %  ${layer}`,
  );
  const times = `${took.seconds.toFixed(1)} s of CPU, slowest ${took.slowest.toFixed(0)} ms`;
  process.stdout.write(`\n${title}: ${runs} mutants, ${times}\n${lines.join('\n')}\n`);
}
