/** What `docs/clients.md` says that no run can see: which settings to use, and why. Written by hand. */

/** The words about one client. `needs` and `why` are cells of a table, `use` is a block of code, troubles are sentences. */
export interface ClientWords {
  readonly client: string;
  readonly needs: string;
  readonly why: string;
  readonly use: string;
  readonly troubles: readonly string[];
}

export const INTRODUCTION = `# Clients

What real clients do with a gateway, seen in a run of the tests (\`test/interop\`) and generated from it by
\`npm run docs:clients\`; a test fails when this page and a run disagree. Every row is a way to connect, every column a
piece of work; the bytes were compared on both disks. \`yes\` worked, a number is the reply that refused it, \`–\` was
not tried or the client has no such function. The default policy is explicit TLS, \`PROT P\`, \`session_reuse: required\`
and \`close_notify: required\`. A setting in these tables belongs to the account of that one partner
(\`users[].session_reuse\`, \`users[].close_notify\`), so that nobody else loses anything by it.`;

const LENIENT = '`session_reuse: preferred`';
const ONE_TICKET =
  'Over TLS 1.3 it uses each ticket once, and an upload, which it ends without reading, brings it no other.';
const ONE_TICKET_ADVICE =
  'Over TLS 1.3 a transfer behind an upload can get 522; downloads and listings bring the next ticket along. Log in once ' +
  'for each upload, keep to TLS 1.2, or give the account `session_reuse: preferred`.';

export const CLIENT_WORDS: readonly ClientWords[] = [
  {
    client: 'basic-ftp',
    needs: 'none',
    why: 'It resumes the session, over TLS 1.3 too.',
    use: "await client.access({ host, port, user, password, secure: true, secureOptions: { ca } });\n// implicit TLS: secure: 'implicit'",
    troubles: ['It knows passive mode only.'],
  },
  {
    client: 'curl',
    needs: `none; ${LENIENT} for several uploads in one call over TLS 1.3`,
    why: ONE_TICKET,
    use: 'curl --ssl-reqd --cacert ca.crt --user partner --upload-file report.csv ftp://host:2121/inbox/\ncurl --ssl-reqd --cacert ca.crt --user partner --remote-name ftp://host:2121/outbox/report.csv',
    troubles: [
      'Several uploads in one call over TLS 1.3 get 522 from the second on; several downloads do not. Use one call a file, `--tls-max 1.2`, or `session_reuse: preferred`.',
      'curl 7.87 and 7.88 (Debian 12) do not begin TLS on the data connection in active mode. Use passive mode, or curl 8.',
      '`--ftp-ssl-control` leaves data in clear: it is refused with 521. Use `--ssl-reqd`.',
    ],
  },
  {
    client: 'Java commons-net',
    needs: LENIENT,
    why: 'It never resumes the session.',
    use: 'FTPSClient ftp = new FTPSClient(sslContext);\nftp.setEndpointCheckingEnabled(true);\nftp.connect(host, 2121);\nftp.login(user, password);\nftp.execPBSZ(0);\nftp.execPROT("P");\nftp.setFileType(FTP.BINARY_FILE_TYPE);\nftp.enterLocalPassiveMode();',
    troubles: [
      'Say `logout()` before `disconnect()`: over TLS 1.3, with a timeout set (`setDefaultTimeout`), Java waits that long for the gateway to close the control connection first, which it does behind QUIT alone.',
      'Without `execPBSZ(0)` and `execPROT("P")` data connections are refused with 521.',
    ],
  },
  {
    client: 'lftp',
    needs: 'none',
    why: 'It resumes the session.',
    use: "lftp -e 'set ftp:ssl-force true; set ftp:ssl-protect-data true; set ssl:ca-file ca.crt' -u partner ftp://host:2121\nmirror --reverse --parallel=4 local-folder inbox",
    troubles: [
      'Over `::1`, and there only, it names `::` as its own address in active mode, is refused with 501 and goes on in passive mode. Other IPv6 addresses are not concerned.',
    ],
  },
  {
    client: 'Perl Net::FTP',
    needs: `${LENIENT}, or active mode with TLS 1.2`,
    why: 'In passive mode it looks the session up under the address of the data connection and finds none. Over TLS 1.3 it uses each ticket once, has two, and an upload brings it no other.',
    use: 'my $ftp = Net::FTP->new($host, Port => 2121, Passive => 1, SSL_ca_file => "ca.crt") or die $@;\n$ftp->starttls or die $ftp->message;\n$ftp->login($user, $password) or die $ftp->message;\n$ftp->binary;',
    troubles: [
      'In passive mode without resumption it says `Connection closed` and does not show the 522 that it was sent.',
      '`SSL => 1` means implicit TLS: it needs a listener with `tls: implicit`. `starttls` is for explicit TLS.',
      'To resume an upload, open the local file at the size that the server has and `append` it.',
    ],
  },
  {
    client: 'Perl Net::FTP with a session key',
    needs: `none for downloads, for two uploads a login, or with TLS 1.2; otherwise ${LENIENT}`,
    why: 'One line makes it find the session in passive mode. Over TLS 1.3 it uses each ticket once, has two, and an upload brings it no other.',
    use: "use IO::Socket::SSL;\nIO::Socket::SSL::set_args_filter_hack(sub { my ($is_server, $args) = @_; $args->{SSL_session_key} = 'ftp' });",
    troubles: ['The line is for passive mode only, and for a program that talks to one server.', ONE_TICKET_ADVICE],
  },
  {
    client: 'PHP ftp_ssl_connect',
    needs: 'none',
    why: 'It resumes the session, over TLS 1.3 with each ticket once; it reads every data connection to its end, where the next ticket is.',
    use: "$ftp = ftp_ssl_connect($host, 2121);\nftp_login($ftp, $user, $password);\nftp_pasv($ftp, true);\nftp_put($ftp, 'inbox/report.csv', 'report.csv', FTP_BINARY);",
    troubles: [
      'It has no setting for the TLS version: name a file in `OPENSSL_CONF` whose `system_default` section says `MaxProtocol = TLSv1.2`.',
      'It checks no certificate, so that whoever sits in between can read the password. Use curl from PHP where that matters.',
      'After a refused transfer it reads replies one behind the other: close the connection and log in anew.',
    ],
  },
  {
    client: 'Python ftplib',
    needs: LENIENT,
    why: 'It never resumes the session.',
    use: "ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile='ca.crt'))\nftp.connect(host, 2121)\nftp.login(user, password)\nftp.prot_p()",
    troubles: ['Without the setting, use the subclass of the next section.'],
  },
  {
    client: 'Python ftplib that resumes',
    needs: 'none',
    why: 'A subclass of six lines resumes the session.',
    use: 'class ResumingFtp(ftplib.FTP_TLS):\n    def ntransfercmd(self, cmd, rest=None):\n        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)\n        if self._prot_p:\n            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)\n        return conn, size',
    troubles: [],
  },
  {
    client: 'rclone',
    needs: `none over one connection; ${LENIENT} for several`,
    why: 'Its connections share one store of TLS sessions, and so resume one of another connection. Later versions keep them apart.',
    use: 'SSL_CERT_FILE=ca.crt rclone copyto report.csv :ftp:inbox/report.csv \\\n  --ftp-host host --ftp-port 2121 --ftp-user partner --ftp-pass "$(rclone obscure -)" --ftp-explicit-tls',
    troubles: [
      'Whole trees: add `--ftp-concurrency=1`, as the run above with the default policy did, or give the account `session_reuse: preferred`; otherwise 522.',
      'It knows passive mode only, does not resume, and finds private authorities through `SSL_CERT_FILE`.',
      '`--ftp-disable-tls13` keeps it to TLS 1.2.',
    ],
  },
  {
    client: 'Ruby net/ftp',
    needs: `none for downloads, for one upload a login, or with TLS 1.2; otherwise ${LENIENT}`,
    why: ONE_TICKET,
    use: "Net::FTP.open(host, port: 2121, username: user, password: password,\n              ssl: { ca_file: 'ca.crt', max_version: OpenSSL::SSL::TLS1_2_VERSION }) do |ftp|\n  ftp.putbinaryfile('report.csv', 'inbox/report.csv')\nend",
    troubles: [ONE_TICKET_ADVICE],
  },
  {
    client: 'tnftp',
    needs: 'a gateway with `tls_control_required: false` and `tls_data_required: false`',
    why: 'It knows no TLS on FTP (its TLS is for `https://`). By default it is refused with 530 before it sends a password.',
    use: 'tnftp -p host 2121',
    troubles: ['Passwords and files cross the network in clear. Use lftp in its place; it takes the same commands.'],
  },
  {
    client: 'wget',
    needs: 'none',
    why: 'It resumes the session.',
    use: 'wget --ca-certificate=ca.crt --user=partner --ask-password ftps://host:2121/outbox/report.csv',
    troubles: [
      '`ftps://` is explicit TLS to it; `--ftps-implicit` is for a listener with `tls: implicit`. It only fetches.',
      'Over TLS 1.3 it may look for its ticket before that has come; then it fails and tries again. Leave `--tries` as it is, or keep to TLS 1.2 (`--ciphers=NORMAL:-VERS-TLS1.3`, where it is built with GnuTLS).',
    ],
  },
];

export const ONE_TICKET_CLIENTS = `## Tickets that are used once

Over TLS 1.3 most libraries use a ticket once (RFC 8446 appendix C.4). The control connection gives two. Every data connection
that resumes gives one more: in a download it comes first, in an upload only behind the client's end of data, because a client
that closes with a ticket unread would cut its own upload by a reset. PHP reads that far. curl, Ruby and Perl close first, so an
upload costs them a ticket: curl and Ruby, which keep one, can then transfer no more in that login; Perl, which keeps both, after
its second. No ticket can be sent on a control connection later on, as far as Node goes. TLS 1.2 knows no such thing: there one
ticket serves for everything.`;

export const ENDINGS = `## close_notify by TLS library

How programs end a data connection, over TLS 1.2 and 1.3, with storage fast and slow; seen in the same run. An upload that ends
without close_notify is answered 426 where \`close_notify\` is required. A download always ends with the gateway's own
(the run looked at the wire); whether a client would notice that it is missing is its own affair, and those that do not can
compare SIZE or HASH. Over TLS 1.3 Java sends \`user_canceled\` in front of its close_notify.`;

export const NOT_RUN = `## Not run here

No test has tried these. Names of settings and what is said of a version are from the programs' own documentation, source
and issue threads, last looked at in November 2026.

- **FileZilla**: in the Site Manager protocol "FTP", encryption "Require explicit FTP over TLS"; in the quick connect bar
  the host \`ftpes://host\` (\`ftps://\` is implicit TLS). It has no setting for session resumption: it resumes by itself. It
  takes a download that ends without close_notify for cut off, as this gateway does with uploads.
- **WinSCP**: protocol FTP, encryption "TLS/SSL Explicit encryption". Under Advanced, TLS/SSL, "Reuse TLS session ID for data
  connections" (older versions say TLS/SSL) is on unless somebody took it off, and has to be on. In scripts:
  \`open ftpes://partner@host:2121/\` (5.8 and later), and \`-rawsettings SslSessionReuse=1\` for a site that has it off. TLS 1.3
  is used from 5.18 on.
- **.NET**: its \`SslStream\`, which FtpWebRequest and FluentFTP stand on, leaves it to the system whether a session is
  resumed and has no setting for that. With TLS 1.2 most versions of Windows do, older .NET on Linux does not, and with
  TLS 1.3 it cannot be counted on. Where transfers get 522, give the account \`session_reuse: preferred\`.
    - FluentFTP: \`Config.EncryptionMode = FtpEncryptionMode.Explicit\`, which is not the default. Instead of the account's
      setting it can be given another TLS that resumes: the package FluentFTP.GnuTLS
      (\`Config.CustomStream = typeof(GnuTlsStream)\`, explicit TLS only) or FluentFTP.BouncyCastle
      (\`typeof(BouncyCastleFtpStream)\`, TLS 1.2 only). Versions before 50 may end uploads without close_notify.
    - FtpWebRequest: \`EnableSsl = true\` and an address that begins with \`ftp://\`. It knows explicit TLS only.
- **suppaftp** (Rust): with its rustls connector it resumes sessions, with native-tls it cannot and needs
  \`session_reuse: preferred\`. Before 6.0.6 its rustls ends uploads without close_notify.

What ends uploads without close_notify is answered 426, and nothing is published. Give such an account
\`close_notify: preferred\` if the program cannot be updated; a cut upload is then no longer told from a whole one.`;
