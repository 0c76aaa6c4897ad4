/** `npm run build`: the validators, then the bundle. Runs at the root of the project, bundled by esbuild. */
import { rmSync } from 'node:fs';
import { bundle } from './bundle.ts';
import { writeValidators } from './validators.ts';

const root = process.cwd();
await writeValidators(root);
rmSync('dist', { recursive: true, force: true });
await bundle(root, 'dist');
