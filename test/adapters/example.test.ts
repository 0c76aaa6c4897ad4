/** The worked access repository in `requests/`: every document is one that pam reads, every signature is real. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIncident } from '../../src/documents/incident-file.ts';
import { readPolicy } from '../../src/documents/policy-files.ts';
import { readRequest } from '../../src/documents/request-file.ts';
import { dayOf, secondsOf } from '../../src/model/instant.ts';
import { isRequestId } from '../../src/model/names.ts';
import { POLICY_PATHS } from '../../src/model/policy.ts';
import { run } from '../../src/process/run.ts';
import { checkScope, fillPermissions } from '../../src/rules/fill-scope.ts';
import { members } from '../../src/rules/people.ts';
import { providers } from '../../src/targets/registry.ts';
import { splitSigned } from '../../src/trust/armor.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { claimsOf, printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';

const HOME = new URL('../../requests/', import.meta.url);
const bytesOf = (path: string): Uint8Array => readFileSync(new URL(path, HOME));
const paths = readdirSync(HOME, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(HOME.pathname.length));
const requests = paths.filter((path) => path.startsWith('requests/') && path.endsWith('.yaml'));
const files = new Map(POLICY_PATHS.map((path) => [path, bytesOf(path)]));
const policy = readPolicy(files, treeDigest(files), providers);
const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };

let temporary = '';
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'pam-example-'));
});
afterAll(async () => {
  await rm(temporary, { recursive: true, force: true });
});

describe('the worked access repository', () => {
  it('holds nothing but what the design lists', () => {
    const signatures = requests.map((path) => `${path}.sig`);
    const known = ['README.md', ...POLICY_PATHS, 'incidents/INC-991.yaml', ...requests, ...signatures];
    expect(paths.toSorted()).toEqual(known.toSorted());
    expect(requests).toHaveLength(4);
  });

  it('names a schema in the first line of every document, where an editor finds it', () => {
    for (const path of paths.filter((one) => one.endsWith('.yaml'))) {
      const [, schema = ''] =
        /^# yaml-language-server: \$schema=(\S+)\n/u.exec(Buffer.from(bytesOf(path)).toString()) ?? [];
      const document: unknown = JSON.parse(readFileSync(new URL(schema, new URL(path, HOME)), 'utf8'));
      expect(document).toMatchObject({ $schema: expect.stringContaining('2020-12') });
    }
  });

  it('shows every risk, a fallback, a touch, a scope and a service as subject', () => {
    const roles = Object.values(policy.roles);
    expect(new Set(roles.map(({ risk }) => risk))).toEqual(new Set(['standard', 'admin', 'break-glass']));
    expect(roles.some(({ approval }) => approval.some(({ fallback }) => fallback.length > 0))).toBe(true);
    expect(roles.some(({ approval }) => approval.some(({ presence }) => presence === 'touch'))).toBe(true);
    const subjects = requests.map((path) => readRequest(bytesOf(path), path).subject);
    expect(subjects.some((subject) => Object.hasOwn(policy.services, subject))).toBe(true);
  });

  it('has an open incident', () => {
    expect(readIncident(bytesOf('incidents/INC-991.yaml'), 'incidents/INC-991.yaml').status).toBe('open');
  });

  it.each(requests)('%s asks for what policy offers', (path) => {
    const request = readRequest(bytesOf(path), path);
    const role = policy.roles[request.role];
    if (role === undefined) throw new Error(`no role ${request.role}`);
    expect(checkScope(role, request.scope ?? {})).toEqual([]);
    expect(fillPermissions(role, request.scope ?? {}).join()).not.toMatch(/[{}]/u);
    expect(members(policy, role.requesters)).toContain(request.subject);
    const owner = policy.services[request.subject]?.owner ?? request.subject;
    expect(request.requester).toBe(owner);
    expect(secondsOf(request.duration)).toBeLessThanOrEqual(secondsOf(role.max_duration));
    const brought = ['ticket', 'incident', 'compensating_controls'].filter((word) =>
      Object.hasOwn(request, word),
    );
    expect(brought).toEqual(expect.arrayContaining(role.require.filter((word) => !word.includes(':'))));
    expect(['INC-991', undefined]).toContain(request.incident);
    const least = Number(role.require.find((word) => word.startsWith('justification:'))?.split(':')[1] ?? 0);
    expect(request.justification.trim().length).toBeGreaterThanOrEqual(least);
  });

  it.each(requests)('ssh-keygen verifies %s', async (path) => {
    const request = readRequest(bytesOf(path), path);
    const { text, armor } = splitSigned(bytesOf(`${path}.sig`));
    const { signedAt } = claimsOf(text);
    if (!isRequestId(request.id)) throw new Error('not an id');
    const root = sha256('the worked access repository of pam');
    const requestSha256 = sha256(bytesOf(path));
    const expected = {
      type: 'request',
      root,
      signer: request.requester,
      signedAt,
      request: request.id,
      requestSha256,
    } as const;
    expect(text).toBe(printStatement(expected));
    expect(signedAt.slice(0, 10)).toBe(dayOf(request.id)?.slice(0, 10));
    const lines = (policy.people[request.requester]?.keys ?? []).map(
      ({ key }) => `${request.requester} namespaces="${STATEMENT_KINDS.request.namespace}" ${key}\n`,
    );
    await writeFile(join(temporary, 'signers'), lines.join(''));
    await writeFile(join(temporary, 'signature'), armor);
    const verify = (stdin: string) =>
      run(
        'ssh-keygen',
        [
          '-Y',
          'verify',
          '-f',
          'signers',
          '-I',
          request.requester,
          '-n',
          STATEMENT_KINDS.request.namespace,
          '-s',
          'signature',
        ],
        { env, cwd: temporary, stdin: Buffer.from(stdin), timeoutMs: 10_000, maxBytes: 10_000 },
      );
    expect(await verify(text)).toMatchObject({ code: 0 });
    expect((await verify(`${text}x`)).code).not.toBe(0);
  });
});
