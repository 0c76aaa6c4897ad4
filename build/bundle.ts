/** The program as it ships: one file and chunks that are loaded when a command needs them, without `node_modules`. */
import { join } from 'node:path';
import { build } from 'esbuild';

const BANNER =
  "import{createRequire as __pamRequire}from'node:module';const require=__pamRequire(import.meta.url);";

/** @param root of the project */
export async function bundle(root: string, outdir: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'src/main.ts')],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outdir,
    logLevel: 'warning',
    banner: { js: BANNER },
  });
}
