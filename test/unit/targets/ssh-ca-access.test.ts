import { expect, it } from 'vitest';
import { isRequestId } from '../../../src/model/names.ts';
import { sshCa } from '../../../src/targets/ssh-ca/ssh-ca.ts';

const ID = '20261122-bastion-root-7k3fq2';

it.each([
  [['principal:root'], {}, 'root@<host>'],
  [['principal:deploy', 'principal:root'], {}, '<login>@<host>'],
  [['principal:root'], { host: 'bastion.acme.example' }, 'root@bastion.acme.example'],
  [['principal:root'], { host: '-oProxyCommand=x' }, 'root@<host>'],
  [['principal:root'], { host: 'a b' }, 'root@<host>'],
  [['principal:root'], { host: 7 }, 'root@<host>'],
])('with %j and %j a person logs in at %s', (permissions, config, where) => {
  if (!isRequestId(ID)) throw new TypeError(ID);
  const receipt = { handle: {}, certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA' };
  expect(sshCa.access?.({ id: ID, permissions, receipt, config, loginKey: null })?.how).toEqual([
    `pam status ${ID} --certificate > ~/.ssh/${ID}-cert.pub`,
    `ssh -i <your private key> -o CertificateFile=~/.ssh/${ID}-cert.pub ${where}`,
  ]);
});

it.each([
  [{ file: '~/.ssh/id_ed25519' }, 'ssh -i ~/.ssh/id_ed25519 -o CertificateFile='],
  ['agent' as const, 'ssh -o CertificateFile='],
])('the private key %j is named where it is known', (loginKey, begins) => {
  if (!isRequestId(ID)) throw new TypeError(ID);
  const receipt = { handle: {}, certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA' };
  const granted = { id: ID, permissions: ['principal:root'], receipt, config: {}, loginKey };
  expect(sshCa.access?.(granted)?.how[1]).toMatch(new RegExp(`^${begins}`, 'u'));
});
