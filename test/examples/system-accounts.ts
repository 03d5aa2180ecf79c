/** A system with accounts of its own, for one process: files in place of /etc/passwd and its like, which only it sees. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExampleSetup } from './running-example.ts';
import { exampleFolder } from './running-example.ts';

/** Only root may give a process other system accounts, and only where namespaces are allowed. */
export const CAN_HAVE_ACCOUNTS =
  process.getuid?.() === 0 &&
  existsSync('/usr/sbin/unix_chkpwd') &&
  spawnSync('unshare', ['--mount', 'true']).status === 0;

/** The password of all of them. */
export const SYSTEM_PASSWORD = 'alice secret';

/** alice, whose home it is, backup, who has a login shell, mail, who has none, and root. */
export async function systemAccounts(): Promise<{ readonly setup: ExampleSetup; readonly home: string }> {
  const folder = await exampleFolder();
  await chmod(folder, 0o711);
  const home = join(folder, 'alice');
  await mkdir(home, { mode: 0o700 });
  await chown(home, 4_001, 4_001);
  const hash = execFileSync('openssl', ['passwd', '-6', SYSTEM_PASSWORD], { encoding: 'utf8' }).trim();
  const users = ['root:x:0:0::/root:/bin/bash', `alice:x:4001:4001::${home}:/bin/bash`];
  const services = [`backup:x:4002:4002::${home}:/bin/bash`, `mail:x:4003:4003::${home}:/usr/sbin/nologin`];
  const shadow = ['root', 'alice', 'backup', 'mail'].map((name) => `${name}:${hash}:19000:0:99999:7:::`);
  const files = {
    'etc/passwd': [...users, ...services, ''].join('\n'),
    'etc/shadow': [...shadow, ''].join('\n'),
    'etc/group': 'root:x:0:\nalice:x:4001:\n',
    'etc/shells': '/bin/bash\n',
  };
  return { setup: { files, within: ['unshare', '--mount', 'sh', '-c', MOUNT, 'sh'] }, home };
}

const MOUNT = [
  'chmod 644 etc/passwd etc/group etc/shells',
  'for each in passwd shadow group shells; do mount --bind "$PWD/etc/$each" "/etc/$each" || exit 1; done',
  'exec "$@"',
].join('; ');
