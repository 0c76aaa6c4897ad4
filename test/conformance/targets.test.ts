import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { providers } from '../../src/targets/registry.ts';
import { conformance } from './target.ts';
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
    for (const kind of providers.keys()) expect(takes(kind, {})).toBe(false);
  });

  it('holds each provider under its own word', () => {
    expect([...providers.keys()].sort()).toEqual(['command', 'ssh-ca', 'sudoers']);
    for (const [kind, provider] of providers) expect(provider.kind).toBe(kind);
  });
});
