import type { Provider } from '../../model/target.ts';
import { faultOnRecord, principalOf } from './certificate-terms.ts';
import { configuredCa, hostOf, remarksOnExtensions, sshCaConfigSchema } from './ssh-ca-config.ts';

const LOGIN = /^[A-Za-z0-9_][A-Za-z0-9._@-]{0,62}$/u;

/** Short-lived user certificates; ending one early is listing its serial where hosts look. */
export const sshCa: Provider = {
  kind: 'ssh-ca',
  configSchema: sshCaConfigSchema,
  expiresByItself: () => true,
  objects: 'own',
  needsLoginKey: true,
  checkPermission: (permission) =>
    principalOf(permission) === undefined
      ? 'a permission of ssh-ca is principal:<name>, a plain name'
      : undefined,
  faultOfReceipt: (config, order) => {
    const certificate = order.receipt?.certificate;
    // What was not handed out gives nothing.
    return certificate === undefined ? undefined : faultOnRecord(certificate, config, order);
  },
  checkLogin: (login) => (LOGIN.test(login) ? undefined : 'a login of ssh-ca is a plain name'),
  identity: (config) => {
    try {
      return configuredCa(config);
    } catch {
      return undefined; // the schema's or verifyIdentity's business
    }
  },
  remarks: remarksOnExtensions,
  access: ({ id, permissions, receipt, config, loginKey }) => {
    const certificate = receipt?.certificate;
    if (certificate === undefined) return null;
    const file = `~/.ssh/${id}-cert.pub`;
    // Of several the person chooses; what no principal names was never granted here.
    const [login, ...others] = permissions.map(principalOf);
    const who = login === undefined || others.length > 0 ? '<login>' : login;
    // ssh itself finds what an agent holds.
    const key = loginKey === 'agent' ? '' : `-i ${loginKey?.file ?? '<your private key>'} `;
    const how = [
      `pam status ${id} --certificate > ${file}`,
      `ssh ${key}-o CertificateFile=${file} ${who}@${hostOf(config) ?? '<host>'}`,
    ];
    return { kind: 'ssh-certificate', how, certificate };
  },
  open: async (place) => (await import('./ssh-ca-session.ts')).sshCaSession(place),
};
