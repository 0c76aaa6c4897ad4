/** What vitest runs first: tests see the validators of the schemas as they are now. Afterwards their files go. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { writeValidators } from './validators.ts';

export default async function setup(project: TestProject): Promise<() => void> {
  const write = async (): Promise<void> =>
    await writeValidators(fileURLToPath(new URL('..', import.meta.url)));
  await write();
  project.onTestsRerun(write);
  const directory = project.config.env['TMPDIR'];
  return () => {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  };
}
