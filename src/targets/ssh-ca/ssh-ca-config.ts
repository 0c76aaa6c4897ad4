import { readFile } from 'node:fs/promises';
import { PamError } from '../../model/error.ts';
import { parseDuration, secondsOf } from '../../model/instant.ts';
import { type Fingerprint, isFingerprint } from '../../model/names.ts';
import type { ConfigRemark, TargetConfig, TargetPlace } from '../../model/target.ts';
import { type PublicKey, parsePublicKey } from '../../trust/public-key.ts';
import { configText, pathFromEnvironment, runSealed } from '../place.ts';
import { unusableCaKey } from './ca-key-file.ts';

/** Extensions that a certificate may carry, in the order in which they are asked for. */
export const EXTENSIONS = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
] as const;

const MAX_SKEW_SECONDS = 600;
const ENVIRONMENT_NAME = { type: 'string', pattern: '^[A-Z_][A-Z0-9_]{0,63}$' } as const;

/** A name or an address, which no shell and no ssh takes for anything else. */
const HOST = '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$';

export const sshCaConfigSchema = {
  type: 'object',
  properties: {
    /** Only executors that grant need it: the path of the CA's private key. */
    ca_key_env: ENVIRONMENT_NAME,
    ca: { type: 'string', pattern: '^SHA256:[A-Za-z0-9+/]{43}$' },
    /** The line of the .pub file, its comment too where it was pasted whole. */
    ca_public_key: { type: 'string', pattern: '^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [ -~]*)?$', maxLength: 4096 },
    krl_env: ENVIRONMENT_NAME,
    extensions: { type: 'array', items: { enum: EXTENSIONS }, uniqueItems: true },
    /** Where people log in: only for the command that `pam status` shows. */
    host: { type: 'string', pattern: HOST, maxLength: 253 },
    clock_skew: { type: 'string', pattern: '^[1-9][0-9]{0,4}[sm]$' },
  },
  required: ['krl_env'],
  // Sweepers without a private key beside its public half need `ca_public_key`.
  anyOf: [
    { properties: { ca: true }, required: ['ca'] },
    { properties: { ca_public_key: true }, required: ['ca_public_key'] },
  ],
  additionalProperties: false,
} as const;

/** The CA's fingerprint as config says it; throws `E_PRV_CONFIG` when its two halves disagree. */
export function configuredCa(config: TargetConfig): Fingerprint {
  const { ca, ca_public_key: line } = config;
  const fromLine = typeof line === 'string' ? parseCaKey(line).fingerprint : undefined;
  const fromConfig = typeof ca === 'string' && isFingerprint(ca) ? ca : undefined;
  if (ca !== undefined && fromConfig === undefined) {
    throw new PamError('E_PRV_CONFIG', 'ca is not a key fingerprint');
  }
  if (fromLine !== undefined && fromConfig !== undefined && fromLine !== fromConfig) {
    throw new PamError('E_PRV_CONFIG', 'ca and ca_public_key name two different keys');
  }
  const fingerprint = fromConfig ?? fromLine;
  if (fingerprint === undefined) throw new PamError('E_PRV_CONFIG', 'config names no CA');
  return fingerprint;
}

/** `undefined` where config names none, or one that an earlier schema would not have taken. */
export function hostOf({ host }: TargetConfig): string | undefined {
  return typeof host === 'string' && new RegExp(HOST, 'u').test(host) ? host : undefined;
}

export function extensionsOf(config: TargetConfig): readonly string[] {
  const wanted = config['extensions'] ?? [];
  if (!Array.isArray(wanted)) throw new PamError('E_PRV_CONFIG', 'extensions is not a list');
  const unknown = wanted.some((name) => !EXTENSIONS.some((known) => known === name));
  if (unknown) throw new PamError('E_PRV_CONFIG', 'extensions holds an unknown name');
  return EXTENSIONS.filter((name) => wanted.includes(name));
}

/** Certificates begin with `-O clear`: what config does not name, sshd does not allow. */
export function remarksOnExtensions(config: TargetConfig): readonly ConfigRemark[] {
  const named: unknown = config['extensions'];
  if (Array.isArray(named) && named.includes('permit-pty')) return [];
  const path = named === undefined ? '' : '/extensions';
  const without = named === undefined ? 'extensions is left out' : 'extensions has no permit-pty';
  const message = `${without}: a certificate of this target gives nobody a terminal; extensions: [permit-pty] would`;
  return [{ code: 'W_PRV_NO_TERMINAL', path, message }];
}

const DEFAULT_SKEW_SECONDS = 60;

/** How far a host's clock may be behind ours: certificates start that much before the intent. */
export function skewSecondsOf(config: TargetConfig): number {
  const text = config['clock_skew'];
  if (text === undefined) return DEFAULT_SKEW_SECONDS;
  const skew = typeof text === 'string' ? parseDuration(text) : undefined;
  const seconds = skew === undefined ? Number.NaN : secondsOf(skew);
  if (seconds <= MAX_SKEW_SECONDS) return seconds;
  throw new PamError('E_PRV_CONFIG', `clock_skew is a duration of at most ${MAX_SKEW_SECONDS / 60}m`);
}

/** The CA's public half: from config, or where the private one is, but always the key that config names. */
export async function caPublicKey(place: TargetPlace): Promise<PublicKey> {
  const expected = configuredCa(place.config);
  const line = configText(place, 'ca_public_key');
  const key =
    line === undefined ? await keyBesidePrivate(pathFromEnvironment(place, 'ca_key_env')) : parseCaKey(line);
  if (key.fingerprint !== expected) throw anotherCa(place, key.fingerprint, expected);
  return key;
}

/** The private key at hand is the CA that config names. */
export async function verifyCaKey(place: TargetPlace, path: string): Promise<void> {
  const expected = configuredCa(place.config);
  const result = await runSealed(place, 'ssh-keygen', ['-y', '-P', '', '-f', path], { home: '/' });
  if (result.code !== 0) throw unusableCaKey(path, place.target);
  const found = parseCaKey(result.stdout.toString('utf8')).fingerprint;
  if (found !== expected) throw anotherCa(place, found, expected);
}

async function keyBesidePrivate(path: string): Promise<PublicKey> {
  try {
    return parseCaKey(await readFile(`${path}.pub`, 'utf8'));
  } catch (cause) {
    throw new PamError('E_PRV_CONFIG', 'the public key of the CA is not known here', {
      hint: 'put ca_public_key into the config of the target',
      cause,
    });
  }
}

function parseCaKey(line: string): PublicKey {
  try {
    return parsePublicKey(line);
  } catch (cause) {
    throw new PamError('E_PRV_CONFIG', 'the CA key is not a public key that pam accepts', { cause });
  }
}

function anotherCa(place: TargetPlace, found: string, expected: string): PamError {
  return new PamError(
    'E_PRV_TARGET_IDENTITY',
    `the CA of target ${place.target} is ${found}, not ${expected}`,
  );
}
