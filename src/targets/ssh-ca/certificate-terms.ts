/** What one certificate must say so that it gives exactly what an order asks for. Pure. */
import { PamError } from '../../model/error.ts';
import type { Handle } from '../../model/entry.ts';
import { plus, unixSeconds } from '../../model/instant.ts';
import { isRequestId } from '../../model/names.ts';
import type { OrderOnPaper, TargetConfig } from '../../model/target.ts';
import { parsePublicKey } from '../../trust/public-key.ts';
import { type CertificateTerms, faultOfCertificate } from './certificate.ts';
import { configuredCa, extensionsOf, skewSecondsOf } from './ssh-ca-config.ts';

const PERMISSION = /^principal:([A-Za-z0-9_][A-Za-z0-9._@-]{0,62})$/u;

/** The principal that a permission names; `undefined` where it names none. */
export const principalOf = (permission: string): string | undefined => PERMISSION.exec(permission)?.[1];

export function serialOf(handle: Handle): bigint {
  if (Number.isSafeInteger(handle.serial) && handle.serial > 0) return BigInt(handle.serial);
  throw new PamError('E_PRV_HANDLE', 'a certificate serial is a positive whole number');
}

/**
 * What is wrong with a certificate on record. Where config names no `clock_skew`, those that earlier versions made begin
 * with the intent itself: they are as good.
 */
export function faultOnRecord(line: string, config: TargetConfig, order: OrderOnPaper): string | undefined {
  const terms = termsOf(config, order);
  const fault = faultOfCertificate(line, terms);
  if (fault === undefined || config['clock_skew'] !== undefined) return fault;
  const earlier = { ...terms, after: BigInt(unixSeconds(order.from)) };
  return faultOfCertificate(line, earlier) === undefined ? undefined : fault;
}

/** Throws unless the order can be held exactly by one certificate. */
export function termsOf(config: TargetConfig, order: OrderOnPaper): CertificateTerms {
  if (!isRequestId(order.id)) throw new PamError('E_PRV_NAME', 'a certificate is named after a request id');
  if (order.handle === null) throw new PamError('E_PRV_HANDLE', `no serial was recorded for ${order.id}`);
  const principals = order.permissions.map((permission) => {
    const name = principalOf(permission);
    if (name === undefined) throw new PamError('E_PRV_NAME', 'a permission is not a plain principal');
    return name;
  });
  return {
    loginKey: loginKeyOf(order),
    ca: configuredCa(config),
    serial: serialOf(order.handle),
    keyId: order.id,
    principals,
    after: BigInt(unixSeconds(plus(order.from, -skewSecondsOf(config)))),
    before: BigInt(unixSeconds(order.until)),
    extensions: extensionsOf(config),
  };
}

function loginKeyOf(order: OrderOnPaper): string {
  if (order.loginKey === null) throw new PamError('E_PRV_LOGIN_KEY', `${order.subject} has no login key`);
  try {
    return parsePublicKey(order.loginKey).line;
  } catch (cause) {
    throw new PamError('E_PRV_LOGIN_KEY', `the login key of ${order.subject} is not good`, { cause });
  }
}
