/** Names, ids and digests: the grammars that every door shares (DESIGN section 3). */

export type RequestId = string & { readonly __brand: 'RequestId' };
/** `sha256:` and 64 lower-case hex digits. */
export type Sha256 = string & { readonly __brand: 'Sha256' };
/** An OpenSSH key fingerprint, `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it. */
export type Fingerprint = string & { readonly __brand: 'Fingerprint' };
/** A Git object id; locates things, proves nothing. */
export type Oid = string & { readonly __brand: 'Oid' };

const NAME = /^[a-z][a-z0-9-]{0,39}$/u;
const REQUEST_ID = /^[0-9]{8}-[a-z0-9-]{1,40}-[a-z0-9]{6}$/u;
const SHA256 = /^sha256:[0-9a-f]{64}$/u;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/u;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u;

export const isName = (text: string): boolean => NAME.test(text);
export const isRequestId = (text: string): text is RequestId => REQUEST_ID.test(text);
export const isSha256 = (text: string): text is Sha256 => SHA256.test(text);
export const isFingerprint = (text: string): text is Fingerprint => FINGERPRINT.test(text);
export const isOid = (text: string): text is Oid => OID.test(text);

/** `requests/YYYY/MM/<id>.yaml` */
export function requestPath(id: RequestId): string {
  return `requests/${id.slice(0, 4)}/${id.slice(4, 6)}/${id}.yaml`;
}

/** `requests/YYYY/MM/<id>.yaml.sig` */
export function signaturePath(id: RequestId): string {
  return `${requestPath(id)}.sig`;
}
