/**
 * Writes `docs/rfc.md` from the table of commands: every command of the documents that the gateway follows, where it is
 * defined, and whether it is built or refused. `npm run docs` runs it; a test compares the page with the table.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../src/commands/all.ts';
import type { CommandTraits } from '../src/spi/command.ts';

/** A document and every verb that it defines or redefines, in its own order. */
export interface FtpDocument {
  readonly name: string;
  readonly title: string;
  readonly verbs: readonly string[];
}

/** The documents that define FTP's commands, the oldest first. What is in none of them is named in the page's last part. */
export const DOCUMENTS: readonly FtpDocument[] = [
  {
    name: 'RFC 959',
    title: 'File Transfer Protocol',
    verbs: [
      ...['USER', 'PASS', 'ACCT', 'CWD', 'CDUP', 'SMNT', 'QUIT', 'REIN'],
      ...['PORT', 'PASV', 'TYPE', 'STRU', 'MODE'],
      ...['RETR', 'STOR', 'STOU', 'APPE', 'ALLO', 'REST', 'RNFR', 'RNTO', 'ABOR', 'DELE', 'RMD', 'MKD', 'PWD'],
      ...['LIST', 'NLST', 'SITE', 'SYST', 'STAT', 'HELP', 'NOOP'],
    ],
  },
  {
    name: 'RFC 2228',
    title: 'FTP Security Extensions, as RFC 4217 (Securing FTP with TLS) profiles them',
    verbs: ['AUTH', 'ADAT', 'PBSZ', 'PROT', 'CCC', 'MIC', 'CONF', 'ENC'],
  },
  { name: 'RFC 2389', title: 'Feature negotiation', verbs: ['FEAT', 'OPTS'] },
  { name: 'RFC 2428', title: 'FTP Extensions for IPv6 and NATs', verbs: ['EPRT', 'EPSV'] },
  { name: 'RFC 2640', title: 'Internationalization', verbs: ['LANG'] },
  { name: 'RFC 3659', title: 'Extensions to FTP', verbs: ['MDTM', 'SIZE', 'REST', 'MLST', 'MLSD'] },
  { name: 'RFC 7151', title: 'HOST Command for Virtual Hosts', verbs: ['HOST'] },
  { name: 'draft-somers-ftp-mfxx-03', title: 'Setting facts', verbs: ['MFMT', 'MFCT', 'MFF'] },
  { name: 'draft-bryan-ftpext-hash-02', title: 'Hashes of files', verbs: ['HASH'] },
];

/** The page for a table of commands. @throws Error when a document's verb is not in the table. */
export function rfcPage(commands: readonly CommandTraits[]): string {
  const parts = DOCUMENTS.map(({ name, title, verbs }) => {
    const rows = verbs.map((verb) => {
      const command = commands.find((one) => one.verb === verb);
      if (command === undefined) throw new Error(`${verb} of ${name} is neither built nor refused`);
      return command;
    });
    return section(`${name}: ${title}`, rows);
  });
  const documented = new Set(DOCUMENTS.flatMap(({ verbs }) => verbs));
  const others = commands.filter(({ verb }) => !documented.has(verb));
  const behind = commands.flatMap(({ verb, subcommands }) =>
    subcommands === undefined ? [] : [section(`Behind ${verb}`, subcommands)],
  );
  return [INTRODUCTION, ...parts, section('Beyond these documents', others), ...behind].join('\n');
}

/** What the page says of the replies of every command. */
export const COMMON_REPLIES = `Section 5.4 of RFC 959 lists the replies of each of its commands, but knows neither TLS nor permissions. Where a reply fits
better than what is listed, the first digits still mean what section 4.2 says they do. These may be the answer of any
command: 421 when the connection ends with it, 501 for an argument that cannot be read or is one too many, 530 before
login, and of those that work on files 450, 451 and 452 for what the disk refuses and 553 for a name that cannot be one. A
command that arranges or uses a data connection may answer 521 when that would not be protected, and 522 when its TLS fails
or does not resume the control channel's session (RFC 4217 section 10.2). All others that section 5.4 does not list are in
the notes.`;

const INTRODUCTION = `# FTP, command by command

Every command of the documents that define FTP is either built to the letter or refused on purpose with the code that its
document gives for that. What stands here is generated from the table that the program itself works with (\`npm run docs\`),
and a test fails when the two differ. A verb that is not on this page is answered 500.

The column of permissions has the letters of an account (\`users[].permissions\`, explained in [defaults.md](defaults.md))
without which a command is refused, with 550 where no note says otherwise. A letter with words behind it is needed only then.

${COMMON_REPLIES}
`;

function section(title: string, commands: readonly CommandTraits[]): string {
  const rows = commands.map((command) => `| ${cells(command).map(escaped).join(' | ')} |`);
  const head = ['| command | defined in | permissions | status | note |', '|---|---|---|---|---|'];
  return [`## ${title}\n`, ...head, ...rows, ''].join('\n');
}

function cells({ verb, aliases = [], rfc, permissions = [], refused, note = '' }: CommandTraits): readonly string[] {
  const names = [verb, ...aliases].map((name) => `\`${name}\``).join(', ');
  if (refused !== undefined) return [names, rfc, '', 'refused', `${refused} ${note}`.trim()];
  return [names, rfc, permissions.join('; '), 'built', note];
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'rfc.md'), rfcPage(COMMANDS));
