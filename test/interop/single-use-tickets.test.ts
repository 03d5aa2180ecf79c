/** Clients that use each TLS 1.3 ticket once, at the strict default policy: what they read brings them the next one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needsLibrary } from '../fixtures/client-libraries.ts';
import { needs, run } from '../fixtures/client-programs.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { curlOptions, curlUrl } from './clients/curl.ts';
import { PLAIN_WAY } from './ways.ts';

const TIMES = 6;
const EVERY_TIME = Array.from({ length: TIMES }, () => 226);

async function gatewayWithFile(): Promise<TestGateway> {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'a.txt'), 'content');
  return gateway;
}

const codesOf = ({ log }: TestGateway, verb: string) =>
  log.entries.flatMap(({ fields }) => (fields.verb === verb ? [fields.code] : []));

needs('curl')('curl downloads many files in one call', async () => {
  const gateway = await gatewayWithFile();
  const folder = await temporaryFolder();
  const files = EVERY_TIME.flatMap((_, index) => ['-o', join(folder, `${index}`), curlUrl(gateway, 'a.txt')]);
  const ran = await run('curl', [...curlOptions(gateway, PLAIN_WAY), ...files]);
  expect(ran.stderr).toBe('');
  expect(codesOf(gateway, 'RETR')).toEqual(EVERY_TIME);
  expect(readFileSync(join(folder, `${TIMES - 1}`), 'utf8')).toBe('content');
});

const RUBY = `
require 'net/ftp'
host, port, user, password, ca, times = ARGV
tls = { ca_file: ca, min_version: OpenSSL::SSL::TLS1_3_VERSION }
Net::FTP.open(host, port: port.to_i, username: user, password: password, ssl: tls) do |ftp|
  times.to_i.times { puts ftp.getbinaryfile('a.txt', nil) }
  times.to_i.times { ftp.nlst }
end
`;

const PERL = `
use Net::FTP; use IO::Socket::SSL;
my ($host, $port, $user, $password, $ca, $times) = @ARGV;
IO::Socket::SSL::set_args_filter_hack(sub { my ($is_server, $args) = @_; $args->{SSL_session_key} = 'ftp' });
my $ftp = Net::FTP->new($host, Port => $port, Passive => 1, SSL_ca_file => $ca, SSL_version => 'TLSv1_3') or die $@;
$ftp->starttls or die; $ftp->login($user, $password) or die; $ftp->binary;
for (1 .. $times) { $ftp->get('a.txt', \\*STDOUT) or die $ftp->message }
for (1 .. $times) { $ftp->ls or die $ftp->message }
$ftp->quit;
`;

const perlTest = needsLibrary('perl', 'IO::Socket::SSL', ['-MIO::Socket::SSL', '-e', '1']);

for (const [name, test, command] of [
  ['Ruby', needsLibrary('ruby', 'net/ftp', ['-r', 'net/ftp', '-e', '0']), ['ruby', '-e', RUBY]],
  ['Perl', perlTest, ['perl', '-e', PERL]],
] as const) {
  test(`${name} downloads and lists as often as it likes in one login`, async () => {
    const gateway = await gatewayWithFile();
    const { host, port, user, password, certificates } = gateway;
    const [program, ...args] = command;
    const place = [host, `${port}`, user, password, certificates.files.caCert, `${TIMES}`];
    const ran = await run(program, [...args, ...place]);
    expect(ran.stderr).toBe('');
    expect(codesOf(gateway, 'RETR')).toEqual(EVERY_TIME);
    expect(codesOf(gateway, 'NLST')).toEqual(EVERY_TIME);
  });
}
