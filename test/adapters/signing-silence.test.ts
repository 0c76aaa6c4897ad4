/** What ssh-keygen complains of is told by pam alone, in its own words; what it has to ask still comes through. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PamError } from '../../src/model/error.ts';
import { newRun, within } from '../../src/process/this-run.ts';
import { signText } from '../../src/signing/ssh-keygen.ts';

const dir = mkdtempSync(join(tmpdir(), 'pam-silence-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const env = { PATH: process.env['PATH'], HOME: dir, TMPDIR: dir };

function key(name: string, ...kind: readonly string[]): string {
  const path = join(dir, name);
  execFileSync('ssh-keygen', ['-q', ...kind, '-N', '', '-C', '', '-f', path]);
  return path;
}

async function said(path: string): Promise<{ readonly err: string; readonly error: PamError | null }> {
  const chunks: string[] = [];
  const run = newRun((chunk) => void chunks.push(chunk.toString()));
  const error = await within(run, async () => {
    try {
      await signText('a text\n', 'pam-request@v1', path, env);
      return null;
    } catch (cause) {
      if (cause instanceof PamError) return cause;
      throw cause;
    }
  });
  return { err: chunks.join(''), error };
}

test('a PEM key without its .pub file: one sentence and the way out, nothing of ssh-keygen before it', async () => {
  const path = key('pem', '-t', 'rsa', '-b', '3072', '-m', 'PEM');
  const half = readFileSync(`${path}.pub`);
  rmSync(`${path}.pub`);
  const { err, error } = await said(path);
  expect({ err, message: error?.message, hint: error?.hint }).toEqual({
    err: '',
    message: `${path} does not say its public half, and ${path}.pub is missing`,
    hint: `ssh-keygen -y -f ${path} > ${path}.pub`,
  });
  writeFileSync(`${path}.pub`, half);
  expect(await said(path)).toEqual({ err: '', error: null });
});

test('a public key whose private half is in no agent: the same', async () => {
  const path = key('ed', '-t', 'ed25519');
  rmSync(path);
  const { err, error } = await said(`${path}.pub`);
  expect(err).toBe('');
  expect(error?.message).toContain('which is a public key, and no agent runs');
});
