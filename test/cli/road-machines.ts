/**
 * Five machines in one: a directory tree each, laid over this system's, with users, files and an sshd of its own on port 22 of
 * an address of its own. They live in namespaces that end with the process that holds them. No systemd: `systemctl` is
 * a stand-in that runs what a unit says.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStock, type Ran } from './program.ts';

const MACHINES = ['alice', 'dana', 'git', 'pam', 'bastion'] as const;
const NEEDED = ['/usr/sbin/sshd', '/usr/sbin/adduser', '/usr/bin/sudo', '/usr/bin/git-shell', '/usr/bin/npm'];

/** Why there can be no such machines here; `undefined` where there can. */
export function whyNoMachines(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const missing = NEEDED.find((path) => !existsSync(path));
  if (missing !== undefined) return `no ${missing}`;
  if (process.execPath !== '/usr/bin/node') return 'Node is not installed for every user';
  try {
    const probe =
      'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r';
    execFileSync('unshare', ['--mount', '--net', '--pid', '--fork', 'sh', '-c', probe], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no namespaces or no overlays';
  }
}

/** What a person or systemd does, so that each step runs without a terminal; everything else is the real thing. */
const STAND_INS: Readonly<Record<string, string>> = {
  // Whoever types it says yes.
  pam: `PATH="\${PATH#/opt/road:}"
case "$1" in approve | ratify | revoke) exec pam "$@" --yes ;; esac
exec pam "$@"`,
  // The build of this test run, so that nothing is fetched.
  npm: `PATH="\${PATH#/opt/road:}"
case "$1" in
  ci) exit 0 ;;
  pack) exec cp /opt/road/pam.tgz "$(cat /opt/road/pam.tgz.name)" ;;
esac
exec npm "$@"`,
  systemctl: `set -eu
said() { sed -n "s/^$2=//p" "/etc/systemd/system/$1.service"; }
as() { su "$(said "$1" User)" -s /bin/sh -c "set -a; . $(said "$1" EnvironmentFile); set +a; cd $(said "$1" WorkingDirectory); $2"; }
case "$1" in
  reload) kill -HUP "$(cat /run/sshd.pid)"; sleep 1 ;;
  enable) shift 2; cd /etc/systemd/system; ls "$@" > /dev/null
    ! command -v systemd-analyze > /dev/null || systemd-analyze verify "$@" ;;
  start) shift
    for unit; do as "$unit" "$(said "$unit" ExecStart)"; as "$unit" "$(said "$unit" ExecStopPost)"; done ;;
esac`,
  journalctl: 'exit 0',
};

const script = (dir: string): string => `set -eu
mount --make-rprivate /
ip link set lo up 2> /dev/null || ifconfig lo up
mount -t tmpfs tmpfs ${dir}/m
number=0
for machine in ${MACHINES.join(' ')}; do
  number=$((number + 1))
  base=${dir}/m/$machine root=${dir}/m/$machine/root
  mkdir -p $base/upper $base/work $root
  mount -t overlay overlay -o lowerdir=/,upperdir=$base/upper,workdir=$base/work $root
  mount --rbind /proc $root/proc
  mount --rbind /dev $root/dev
  for place in run tmp home root; do mount -t tmpfs tmpfs $root/$place; done
  chmod 1777 $root/tmp
  chmod 700 $root/root
  mkdir -p $root/run/sshd $root/opt $root/usr/etc $root/etc/ssh/sshd_config.d $root/etc/ssh/ssh_config.d
  cp -r ${dir}/road $root/opt/road
  rm -f $root/etc/ssh/ssh_host_*
  ssh-keygen -A -f $root > /dev/null
  printf '127.0.0.1 localhost\\n127.0.77.3 git.example.org\\n127.0.77.4 pam.example.org\\n127.0.77.5 bastion.example.org\\n' > $root/etc/hosts
  printf 'ListenAddress 127.0.77.%s\\nPidFile /run/sshd.pid\\n' $number > $root/etc/ssh/sshd_config.d/00-road.conf
  printf 'StrictHostKeyChecking accept-new\\n' > $root/etc/ssh/ssh_config.d/00-road.conf
  printf 'offline=true\\nupdate-notifier=false\\n' > $root/usr/etc/npmrc
  case $machine in
    alice | dana)
      chroot $root adduser --quiet --disabled-password --gecos '' $machine
      printf '%s ALL=(ALL) NOPASSWD: ALL\\n' $machine > $root/etc/sudoers.d/$machine
      chmod 440 $root/etc/sudoers.d/$machine ;;
    *)
      install -D -m 600 ${dir}/admin.pub $root/root/.ssh/authorized_keys
      chroot $root /usr/sbin/sshd ;;
  esac
done
alice=${dir}/m/alice/root
mkdir -p $alice/home/alice/.ssh $alice/home/alice/pam
cp ${dir}/admin $alice/home/alice/.ssh/admin
printf 'Match user root\\n  IdentityFile ~/.ssh/admin\\n' > $alice/home/alice/.ssh/config
cp -r ${dir}/source/docs $alice/home/alice/pam/
chroot $alice chown -R alice: /home/alice
chmod 700 $alice/home/alice/.ssh
chmod 600 $alice/home/alice/.ssh/admin
echo ready
exec sleep infinity
`;

export interface Machines {
  readonly type: (machine: string, user: string, directory: string, text: string) => Promise<Ran>;
  readonly stop: () => void;
}

/** `source`: a tree of the program as it ships, built. */
export async function startMachines(dir: string, source: string): Promise<Machines> {
  const road = join(dir, 'road');
  mkdirSync(road);
  mkdirSync(join(dir, 'm'));
  for (const [name, text] of Object.entries(STAND_INS)) {
    writeFileSync(join(road, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts'], {
    cwd: source,
    encoding: 'utf8',
  }).trim();
  copyFileSync(join(source, packed), join(road, 'pam.tgz'));
  writeFileSync(join(road, 'pam.tgz.name'), packed);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'admin')]);
  const holder = spawn(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', script(dir)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const inside = await ready(holder);
  return {
    type: async (machine, user, directory, text) => {
      const head = `PATH="/opt/road:$PATH"\ncd ~/${directory}\nset -e\n`;
      const place = ['chroot', join(dir, 'm', machine, 'root')];
      const enter = ['--target', inside, '--mount', '--net', '--pid', ...place];
      const how = { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
      const file = `/tmp/step-${user}`;
      const written = await runStock('nsenter', [...enter, 'tee', file], { ...how, stdin: head + text });
      if (written.code !== 0) throw new Error(written.err);
      return await runStock(
        'nsenter',
        [...enter, 'su', '-', '-s', '/bin/bash', user, '-c', `bash ${file}`],
        how,
      );
    },
    stop: () => {
      holder.kill('SIGKILL');
    },
  };
}

/** The process id of the first process inside. */
async function ready(holder: ChildProcess): Promise<string> {
  let err = '';
  holder.stderr?.on('data', (bytes: Buffer) => {
    err += bytes.toString('utf8');
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.on('data', (bytes: Buffer) => {
      if (bytes.toString('utf8').includes('ready')) resolve();
    });
    holder.once('exit', () => {
      reject(new Error(`the machines did not start: ${err}`));
    });
  });
  return execFileSync('pgrep', ['--parent', String(holder.pid)], { encoding: 'utf8' }).trim();
}
