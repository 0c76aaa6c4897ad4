/**
 * The program as it ships, without `node_modules`: `main.cjs`, `program.cjs` (`runPam`, for a process that is not `pam` itself),
 * `audit-worker.cjs` and the chunks that `import()` in the source loads when they are needed. `bin/pam.js` starts it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type Plugin, transform } from 'esbuild';

const TARGET = { platform: 'node', target: 'node20', minifySyntax: true, minifyWhitespace: true } as const;

/** Commander can start programs for commands, and loads what that needs; pam has it start none. */
const noPrograms: Plugin = {
  name: 'no-programs',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^(?:node:)?child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/u.test(importer) ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    bundling.onLoad({ filter: /./, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** @param root of the project; @param outdir beside the `bin/` that starts it */
export async function bundle(root: string, outdir: string): Promise<void> {
  const { outputFiles } = await build({
    ...TARGET,
    absWorkingDir: root,
    entryPoints: ['src/main.ts', 'src/program.ts', 'src/audit-worker.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    define: { 'import.meta.url': '__here' },
    outdir,
    outExtension: { '.js': '.cjs' },
    plugins: [noPrograms],
    // src/templates: what is written into an access repository, carried along as text.
    loader: { '.yml': 'text', '.md': 'text', '.txt': 'text' },
    logLevel: 'warning',
    write: false,
  });
  mkdirSync(outdir, { recursive: true });
  const places: string[] = [];
  for (const { path, text } of outputFiles) {
    // Chunks are a thing of ES modules only; Node starts CommonJS in three quarters of the time.
    const { code } = await transform(text, {
      ...TARGET,
      format: 'cjs',
      supported: { 'dynamic-import': false },
      ...(text.includes('__here') ? { banner: HERE } : {}),
    });
    const place = join(outdir, basename(path));
    writeFileSync(place, code);
    places.push(place);
  }
  execFileSync(process.execPath, ['--eval', COMPILE, ...places]);
}

const HERE = "const __here=require('node:url').pathToFileURL(__filename).href;";

/** Every function at once, so that none is compiled at run time. V8 compares its flags later, so they are put back. */
const COMPILE = `
const { readFileSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
for (const filename of process.argv.slice(1)) {
  setFlagsFromString('--no-lazy');
  const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename });
  setFlagsFromString('--lazy');
  writeFileSync(filename + '.cache', script.createCachedData(), { mode: 0o644 });
}
`;
