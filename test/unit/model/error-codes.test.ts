import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../../build/errors-page.ts';
import { ERROR_CODES } from '../../../src/model/error-codes.ts';

const src = fileURLToPath(new URL('../../../src', import.meta.url));
const texts = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'model/error-codes.ts')
  .map((path) => readFileSync(join(src, path), 'utf8'))
  .join('\n');

describe('the table of codes', () => {
  it('holds no code that nothing gives', () => {
    const used = new Set(texts.match(/\b[EW]_[A-Z0-9_]+\b/gu));
    expect(Object.keys(ERROR_CODES).filter((code) => !used.has(code))).toEqual([]);
  });

  it('says what each means, in a sentence', () => {
    const odd = Object.entries(ERROR_CODES).filter(
      ([, { means }]) => means.length < 12 || !means.endsWith('.') || means.includes('|'),
    );
    expect(odd).toEqual([]);
  });

  it('docs/errors.md is made from it (`npx vitest run -u` on this file writes it)', async () => {
    await expect(errorsPage()).toMatchFileSnapshot('../../../docs/errors.md');
  });
});
