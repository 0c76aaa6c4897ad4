import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/model/target.ts';
import { providers } from '../../src/targets/registry.ts';
import { conformance, requestId } from './target.ts';
import { commandFixture, sshCaFixture, sudoersFixture, sudoIsHere } from './target-fixtures.ts';

conformance('ssh-ca', sshCaFixture);
conformance(sudoIsHere ? 'sudoers' : 'sudoers (sudo not asked)', sudoersFixture);
conformance('command', async () => await commandFixture());

const takes = (kind: string, config: object): boolean =>
  new Ajv2020({ strict: true }).compile(providers.get(kind)?.configSchema ?? false)(config);

describe('the registry', () => {
  it('holds config schemas that are strict and take what the documentation shows', () => {
    const fingerprint = `SHA256:${'a'.repeat(43)}`;
    const bastion = {
      ca_key_env: 'PAM_CA',
      krl_env: 'PAM_KRL',
      extensions: ['permit-pty'],
      clock_skew: '1m',
    };
    expect(takes('ssh-ca', { ...bastion, ca: fingerprint })).toBe(true);
    expect(takes('ssh-ca', { krl_env: 'PAM_KRL', ca_public_key: 'ssh-ed25519 AAAA' })).toBe(true);
    expect(takes('ssh-ca', { ...bastion, ca_public_key: 'ssh-ed25519 AAAA bastion-ca' })).toBe(true);
    expect(takes('ssh-ca', { ...bastion, ca_public_key: 'ssh-ed25519 AAAA one\ntwo' })).toBe(false);
    expect(takes('ssh-ca', bastion)).toBe(false);
    expect(takes('ssh-ca', { ...bastion, ca: fingerprint, extensions: ['permit-all'] })).toBe(false);
    expect(takes('sudoers', { directory_env: 'PAM_SUDOERS_DIR' })).toBe(true);
    expect(takes('sudoers', { directory_env: 'PAM_SUDOERS_DIR', visudo: '/tmp/../x' })).toBe(false);
    expect(
      takes('command', { plugin: 'legacy', native_expiry: false, env: ['A_TOKEN'], options: { a: 1 } }),
    ).toBe(true);
    expect(takes('command', { plugin: '../legacy' })).toBe(false);
    for (const kind of ['ssh-ca', 'sudoers', 'command']) expect(takes(kind, {})).toBe(false);
  });
});

const tests = ['.', '../adapters'].flatMap((room) => {
  const place = fileURLToPath(new URL(room, import.meta.url));
  return (
    readdirSync(place)
      // That one holds the text of a test that runs it.
      .filter((name) => name.endsWith('.test.ts') && name !== 'one-more.test.ts')
      .map((name) => readFileSync(join(place, name), 'utf8'))
  );
});

describe.each([...providers])('the registry of targets: %s', (word, provider) => {
  it('stands under its own word, with a schema that takes no field of which it says nothing', () => {
    expect(provider.kind).toBe(word);
    expect(provider.configSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(takes(word, { 'no such field': 1 })).toBe(false);
  });

  it('answers of any config that an earlier schema may have taken, without a throw', () => {
    const configs: readonly TargetConfig[] = [{}, { identity: 7, ca: [], env: 'x', extensions: {} }];
    for (const config of configs) {
      expect(typeof provider.expiresByItself(config)).toBe('boolean');
      expect(provider.identity(config)).toBeUndefined();
      for (const { code, message } of provider.remarks?.(config) ?? [])
        expect([code, message]).toEqual([expect.stringMatching(/^W_/u), expect.stringMatching(/./u)]);
    }
  });

  it('says how a person uses a grant only with what was handed out', () => {
    expect(
      provider.access?.({
        id: requestId('20261122-root-7k3fq2'),
        permissions: [],
        receipt: null,
        config: {},
        loginKey: null,
      }) ?? null,
    ).toBeNull();
  });

  it('runs the conformance suite', () => {
    const calls = new RegExp(`(?<![a-zA-Z])conformance\\((?:[a-zA-Z]+ \\? )?'${word}'`, 'u');
    expect(tests.filter((text) => calls.test(text))).toHaveLength(1);
  });
});
