/**
 * What vitest runs first: tests see the validators of the schemas as they are now, and the program is bundled once for
 * all that start it. Afterwards their files go.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { bundle } from './bundle.ts';
import { writeValidators } from './validators.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the program as `npm run build` makes it. */
    readonly dist: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const directory = project.config.env['TMPDIR'];
  const made = mkdtempSync(join(directory ?? tmpdir(), 'pam-dist-'));
  // The directory above is its maker's alone; what is installed may be read by everybody.
  const dist = join(made, 'dist');
  const write = async (): Promise<void> => {
    await writeValidators(root);
    await bundle(root, dist);
  };
  await write();
  project.provide('dist', dist);
  project.onTestsRerun(write);
  return () => {
    for (const one of [made, ...(directory === undefined ? [] : [directory])])
      rmSync(one, { recursive: true, force: true });
  };
}
