/**
 * Sessions of many hours: real clients that wait between transfers, at a gateway whose time of day goes by at two hours a
 * second. TLS sessions grow old by that; Node's own would be too old after five minutes.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs, run } from '../fixtures/client-programs.ts';
import { type GatewayProcess, gatewayInItsOwnProcess } from '../fixtures/gateway-process.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { lftp, lftpOpening, quoted } from './clients/lftp.ts';
import { PLAIN_WAY } from './ways.ts';

const HOURS_A_SECOND = 2;
/** Seconds between two transfers: four hours. */
const PAUSE_S = 2;
/** A week, which no machine is slow enough to reach. */
const WEEK = { session_time_max_ms: 604_800_000 };

async function gatewayOfLongDays(
  limits: Readonly<Record<string, number>> = WEEK,
): Promise<{ gateway: GatewayProcess; home: string }> {
  const { home, start } = await gatewayInItsOwnProcess({ limits, hoursASecond: HOURS_A_SECOND });
  return { gateway: await start(), home };
}

/** The last line says which uploads were stored, and the first that was not. */
const RESUMING_FTPLIB = `
import ftplib, io, ssl, sys, time
class ResumingFtp(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size
host, port, user, password, ca, version, pause = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, 'TLSv1_' + version[2:])
ftp = ResumingFtp(context=context, timeout=20)
ftp.connect(host, int(port))
ftp.login(user, password)
ftp.prot_p()
for index in range(3):
    if index > 0: time.sleep(float(pause))
    try:
        print(ftp.storbinary(f'STOR {index}.bin', io.BytesIO(b'content'))[:3])
    except ftplib.Error as error:
        print(str(error)[:3])
        break
`;

function ftplib({ host, port, user, password, certificates }: GatewayProcess, version: string, pauseS = PAUSE_S) {
  const args = [host, `${port}`, user, password, certificates.files.caCert, version, `${pauseS}`];
  return run('python3', ['-c', RESUMING_FTPLIB, ...args], { timeoutMs: 60_000 });
}

needs('faketime', 'python3').each(['1.2', '1.3'])(
  'Python resumes for hours with the one ticket (TLS %s)',
  async (version) => {
    const { gateway, home } = await gatewayOfLongDays();
    const { stdout, stderr } = await ftplib(gateway, version);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(['226', '226', '226']);
    expect(readdirSync(home).sort()).toEqual(['0.bin', '1.bin', '2.bin']);
  },
  90_000,
);

needs('faketime', 'python3')(
  'a ticket does not outlive what it is given, which shows that time really flies',
  async () => {
    const { gateway } = await gatewayOfLongDays({ session_time_max_ms: 12 * 3_600_000 });
    const { stdout } = await ftplib(gateway, '1.3', 10);
    expect(stdout.trim().split('\n')).toEqual(['226', '522']);
  },
  90_000,
);

needs('faketime', 'lftp')(
  'lftp resumes for hours, up and down',
  async () => {
    const { gateway, home } = await gatewayOfLongDays();
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'sent'), 'content');
    const rounds = [0, 1, 2].flatMap((index) => [
      `put ${quoted(join(folder, 'sent'))} -o ${index}.bin`,
      `sleep ${PAUSE_S}s`,
      `cat ${index}.bin`,
    ]);
    await lftp([...lftpOpening(gateway, PLAIN_WAY), 'set ftp:use-quit true', ...rounds]);
    expect(readdirSync(home).sort()).toEqual(['0.bin', '1.bin', '2.bin']);
  },
  90_000,
);

/** Each ticket once: the next one has to come with the transfer before it. */
const PHP = `
[, $host, $port, $user, $password, $pause] = $argv;
$ftp = ftp_ssl_connect($host, (int) $port, 20);
ftp_login($ftp, $user, $password);
ftp_pasv($ftp, true);
for ($index = 0; $index < 3; $index++) {
    if ($index > 0) usleep((int) ($pause * 1000000));
    ftp_put($ftp, "$index.bin", __FILE__, FTP_BINARY) || exit(1);
}
`;

needs('faketime', 'php')(
  "PHP's tickets, each of which it uses once over TLS 1.3, are renewed for hours",
  async () => {
    const { gateway, home } = await gatewayOfLongDays();
    const script = join(await temporaryFolder(), 'long.php');
    writeFileSync(script, `<?php${PHP}`);
    const args = [script, gateway.host, `${gateway.port}`, gateway.user, gateway.password, `${PAUSE_S}`];
    const env = { OPENSSL_CONF: join(import.meta.dirname, 'clients/openssl-tls-1.3.cnf') };
    const ran = await run('php', args, { timeoutMs: 60_000, env });
    expect(`${ran.stdout}${ran.stderr}`).toBe('');
    expect(readdirSync(home).sort()).toEqual(['0.bin', '1.bin', '2.bin']);
  },
  90_000,
);
