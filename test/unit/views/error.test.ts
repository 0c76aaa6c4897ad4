import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import type { RunResult, RunStep } from '../../../src/flows/executor/run-result.ts';
import { ERROR_CODES, type ErrorCode } from '../../../src/model/error-codes.ts';
import { PamError } from '../../../src/model/error.ts';
import { errorJson, errorText } from '../../../src/views/error.ts';
import { runText } from '../../../src/views/run.ts';
import type { Instant } from '../../../src/model/instant.ts';
import { styleOf } from '../../../src/views/style.ts';

const src = fileURLToPath(new URL('../../../src', import.meta.url));
const codes = Object.keys(ERROR_CODES) as ErrorCode[];

/** What a hint may tell people to do; or it is a command that they type. */
const TO_DO =
  /(?:^|, |: |; |and |then )(?:add|approve|ask|believe|bring|choose|compare|copy|correct|end|fetch|find|forbid|give|have|install|keep|let|look|lower|make|mend|name|nest|nothing to do|open|please report|post|put|quote|read|rename|require|run|save|say|see|set|shorten|show|sign|take|tell|touch|try|type|unset|use|wait|work|write)\b/u;
const COMMAND = /^(?:chmod|git) /u;

const tellBoth = async (error: PamError): Promise<readonly [text: string, json: string]> => {
  const text = errorText(error, await styleOf(false));
  return [/^hint: (.*)$/mu.exec(text)?.[1] ?? '', (JSON.parse(errorJson(error)) as { hint: string }).hint];
};

describe('what to do', () => {
  test.each(codes)('%s is told with it, on a terminal and as JSON', async (code) => {
    const [text, json] = await tellBoth(new PamError(code, 'it went wrong'));
    expect(text).toBe(json);
    expect(text).not.toMatch(/--help`?$|^[A-Z][a-z]|\.$/u);
    const typed = text.replace(/^.*?`/u, '`').startsWith('`');
    expect({ text, tells: typed || TO_DO.test(text) || COMMAND.test(text) }).toEqual({ text, tells: true });
  });

  it('is that of the place that throws, where it has one', async () => {
    const own = await tellBoth(new PamError('E_REQ_TTL', 'too long', { hint: 'write 5m' }));
    expect(own).toEqual(['write 5m', 'write 5m']);
    const none = await tellBoth(new PamError('E_REQ_TTL', 'too long', { hint: '' }));
    expect(none).toEqual(await tellBoth(new PamError('E_REQ_TTL', 'too long')));
  });

  it('is never left empty by a place that throws', () => {
    const empty = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (path) =>
        path.endsWith('.ts') &&
        /\bhint(?:\?)?: (?:''|""|``)|[hH]int \?\? (?:''|""|``)/u.test(readFileSync(join(src, path), 'utf8')),
    );
    expect(empty).toEqual([]);
  });

  it('stands below the first of several steps that failed alike', async () => {
    const step = (id: string, code: ErrorCode): RunStep => ({
      action: 'grant',
      id: id as RunStep['id'],
      target: 'bastion',
      result: 'failed',
      error: { code, message: 'it did not answer' },
      what: 'principal:root to dana',
    });
    const result: RunResult = {
      steps: [step('a', 'E_PRV_TIMEOUT'), step('b', 'E_PRV_TIMEOUT'), step('c', 'E_PRV_BUSY')],
      ledger: { seq: 1, head: 'sha256:00' as RunResult['ledger']['head'] },
      waiting: [],
      troubles: [],
    };
    const lines = runText(result, await styleOf(false), '2026-11-22T18:00:00Z' as Instant).split('\n');
    expect(lines.map((line) => line.slice(0, 16))).toEqual([
      '  + grant    a  ',
      '    do: see whet',
      '  + grant    b  ',
      '  + grant    c  ',
      '    do: run it a',
      '3 failed.',
      '',
    ]);
  });
});
