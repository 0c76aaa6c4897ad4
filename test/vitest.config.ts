import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import CatalogueReporter from './catalogue/reporter.ts';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/**/*.test.ts'],
    globalSetup: ['build/before-tests.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores on the smallest machine that runs this; real git and ssh-keygen do most of the work.
    maxWorkers: 2,
    // Which rows of the attack catalogue have a passed test: `npm run catalogue` reads it.
    reporters: ['default', new CatalogueReporter()],
  },
});
