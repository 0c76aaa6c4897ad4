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

/**
 * What is bundled by itself, with names as short as can be, since a start costs what is read: nothing in there is ours, so
 * no trace needs its names. `late`: loaded when something of it is first used, not by the file that imports it.
 */
const APART = [
  { module: 'yaml', late: true },
  { module: 'commander', late: false },
  { module: './generated/document-validators.js', late: false },
] as const;

const placeOf = (module: string): string => `./${basename(module, '.js')}.cjs`;

/** Its importers are told where it will lie. */
const apart: Plugin = {
  name: 'apart',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^(?:yaml|commander|.*\/document-validators\.js)$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: placeOf(path), external: true },
    );
  },
};

/** @param root of the project; @param outdir beside the `bin/` that starts it */
export async function bundle(root: string, outdir: string): Promise<void> {
  const alone = await build({
    ...TARGET,
    minifyIdentifiers: true,
    absWorkingDir: root,
    entryPoints: APART.map(({ module }) => module),
    bundle: true,
    format: 'cjs',
    outdir,
    entryNames: '[name]',
    outExtension: { '.js': '.cjs' },
    plugins: [noPrograms],
    logLevel: 'warning',
    write: false,
  });
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
    plugins: [noPrograms, apart],
    // src/templates: what is written into an access repository, carried along as text.
    loader: { '.yml': 'text', '.md': 'text', '.txt': 'text' },
    logLevel: 'warning',
    write: false,
  });
  mkdirSync(outdir, { recursive: true });
  const places: string[] = [];
  const put = (path: string, code: string): void => {
    const place = join(outdir, basename(path));
    writeFileSync(place, code);
    places.push(place);
  };
  for (const { path, text } of alone.outputFiles) put(path, text);
  for (const { path, text } of outputFiles) {
    // Chunks are a thing of ES modules only; Node starts CommonJS in three quarters of the time.
    const { code } = await transform(text, {
      ...TARGET,
      format: 'cjs',
      supported: { 'dynamic-import': false },
      ...(text.includes('__here') ? { banner: HERE } : {}),
    });
    put(path, whenUsed(code));
  }
  execFileSync(process.execPath, ['--eval', COMPILE, ...places]);
}

/** Every use of such a module asks for it: `require` remembers what it loaded. */
function whenUsed(code: string): string {
  const late = APART.flatMap((one) => (one.late ? [placeOf(one.module)] : []));
  const loads = [...code.matchAll(/\b(\w+)=(require\("(\.\/[^"]+)"\))/gu)];
  return loads.reduce((text, [all, name = '', load = '', place = '']) => {
    if (!late.includes(place)) return text;
    return text.replaceAll(`${name}.`, `${name}.late.`).replace(all, `${name}={get late(){return ${load}}}`);
  }, code);
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
