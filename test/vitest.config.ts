import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { memoryDirectory } from '../build/memory-directory.ts';
import CatalogueReporter from './catalogue/reporter.ts';
import { HeaviestFirst } from './heaviest-first.ts';
import { filesOfTheRest, inLongRunOnly, isRest } from './long-files.ts';
import { isLong } from './size.ts';

/** What the build carries along as text (build/bundle.ts). */
const asText = {
  name: 'as-text',
  enforce: 'pre',
  load: (id: string) =>
    /\/src\/templates\/.*\.(?:yml|md|txt)$/u.test(id)
      ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};`
      : undefined,
} as const;

const temporary = memoryDirectory();
const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  plugins: [asText],
  test: {
    root,
    include: isRest ? [...filesOfTheRest(root)] : ['test/**/*.test.ts'],
    exclude: isLong ? [] : [...inLongRunOnly],
    globalSetup: ['build/before-tests.ts'],
    // Which files run is said to this run alone, not to a vitest that one of its tests starts.
    env: { PAM_REST: '', ...(temporary === undefined ? {} : { TMPDIR: temporary }) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores on the smallest machine that runs this; real git and ssh-keygen do most of the work.
    maxWorkers: 2,
    sequence: { sequencer: HeaviestFirst },
    // Which rows of the attack catalogue have a passed test: `npm run catalogue` reads it.
    reporters: ['default', new CatalogueReporter()],
  },
});
