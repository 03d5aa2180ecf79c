/**
 * What the table of commands says of permission letters is what happens: without any one of them the command is refused,
 * with them and no others it is not. What enforces them knows nothing of the table.
 */
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import { COMMANDS } from '../../src/commands/all.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import type { PermissionLetter } from '../../src/spi/permissions.ts';
import { PERMISSIONS, parsePermissions } from '../../src/spi/permissions.ts';
import type { Session } from '../../src/spi/session.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, say } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';

/** A line in which one need alone decides, for a member who stands in /dir. */
interface Case {
  readonly line: string;
  readonly session?: Partial<Session>;
  /** The letters that are missing, where it takes more than the one that the need begins with. */
  readonly without?: string;
  /** The code of the refusal, where it is not 550. */
  readonly code?: number;
}

const range = { startBytes: 0, endBytes: 1 };
const beyondPart = { startBytes: 4, endBytes: 5 };
const atEnd: Partial<Session> = { type: 'A', restartBytes: 5 };
const renameFrom = at('/dir/file');
const copyFrom = at('/dir/file');
const BUILDING_ON = 'l behind REST in TYPE A, and behind RANG to go on with an unfinished upload';

/** Command, need, and the cases for it. */
const CASES: readonly (readonly [verb: string, need: string, ...cases: readonly Case[]])[] = [
  ['CWD', 'e', { line: 'CWD sub' }],
  ['CDUP', 'e', { line: 'CDUP' }],
  ['RETR', 'r', { line: 'RETR file' }, { line: 'RETR file', session: { range } }],
  ['STOR', 'w', { line: 'STOR new' }, { line: 'STOR file' }, { line: 'STOR file', session: { restartBytes: 5 } }],
  ['STOR', 'r behind RANG', { line: 'STOR file', session: { range } }, { line: 'STOR new', session: { range } }],
  ['STOR', BUILDING_ON, { line: 'STOR file', session: atEnd }, { line: 'STOR part', session: { range: beyondPart } }],
  ['APPE', 'a without REST and RANG', { line: 'APPE file' }, { line: 'APPE new' }, { line: 'APPE part' }],
  [
    'APPE',
    'w behind REST or RANG',
    { line: 'APPE file', session: { restartBytes: 5 } },
    { line: 'APPE file', session: { range } },
  ],
  ['APPE', 'r behind RANG', { line: 'APPE file', session: { range } }],
  ['APPE', BUILDING_ON, { line: 'APPE file', session: atEnd }, { line: 'APPE part', session: { range: beyondPart } }],
  ['STOU', 'w', { line: 'STOU' }, { line: 'STOU name', session: { restartBytes: 5 } }],
  ['ALLO', 'w or a, in any directory', { line: 'ALLO 5', without: 'wa' }],
  ['LIST', 'l', { line: 'LIST' }, { line: 'LIST file' }],
  ['NLST', 'l', { line: 'NLST' }, { line: 'NLST file' }],
  ['MLSD', 'l', { line: 'MLSD' }],
  ['MLST', 'l', { line: 'MLST' }, { line: 'MLST file' }],
  ['STAT', 'l with a path', { line: 'STAT .' }, { line: 'STAT file' }],
  ['DELE', 'd', { line: 'DELE file' }],
  ['RNFR', 'f', { line: 'RNFR file' }],
  ['RNTO', 'f', { line: 'RNTO renamed', session: { renameFrom } }],
  [
    'RNTO',
    'w into another directory or over a file',
    { line: 'RNTO sub/file', session: { renameFrom } },
    { line: 'RNTO other', session: { renameFrom }, code: 553 },
  ],
  ['SIZE', 'l in TYPE I', { line: 'SIZE file' }, { line: 'SIZE part' }],
  ['SIZE', 'r in TYPE A', { line: 'SIZE file', session: { type: 'A' } }],
  ['MDTM', 'l', { line: 'MDTM file' }],
  ['MFMT', 'T', { line: 'MFMT 20260101000000 file' }],
  [
    'MFF',
    'T for Create and Modify',
    { line: 'MFF Modify=20260101000000; file' },
    { line: 'MFF Create=20260101000000; file' },
  ],
  ['MFF', 'M for UNIX.mode', { line: 'MFF UNIX.mode=640; file' }],
  ['MFCT', 'T', { line: 'MFCT 20260101000000 file' }],
  ['CPFR', 'r', { line: 'CPFR file' }],
  ['CPTO', 'r', { line: 'CPTO copy', session: { copyFrom } }],
  ['CPTO', 'w', { line: 'CPTO copy', session: { copyFrom } }, { line: 'CPTO sub/copy', session: { copyFrom } }],
  ['COMB', 'w', { line: 'COMB "new" "file" "other"' }],
  ['COMB', 'r', { line: 'COMB "new" "file" "other"' }],
  ['COMB', 'd', { line: 'COMB "new" "file" "other"' }],
  ['COMB', 'a where the target exists', { line: 'COMB "other" "file"' }],
  ['COMB', 'l where the target exists', { line: 'COMB "other" "file"' }],
  // draft-bryan-ftpext-hash-02 section 3.5 has a code of its own.
  ['HASH', 'r', { line: 'HASH file', code: 552 }],
  ['XSHA256', 'r', { line: 'XSHA256 file' }],
  ['XSHA512', 'r', { line: 'XSHA512 file' }],
  ['XSHA1', 'r', { line: 'XSHA1 file' }],
  ['XMD5', 'r', { line: 'XMD5 file' }],
  ['XCRC', 'r', { line: 'XCRC file' }],
  ['MKD', 'm', { line: 'MKD new' }],
  ['RMD', 'd', { line: 'RMD sub' }],
  ['RMDA', 'd', { line: 'RMDA tree' }],
  ['AVBL', 'l', { line: 'AVBL' }],
  ['DSIZ', 'l', { line: 'DSIZ' }],
  ['SITE CHMOD', 'M', { line: 'SITE CHMOD 640 file' }],
  ['SITE UTIME', 'T', { line: 'SITE UTIME 202601010000 file' }],
  ['SITE CPFR', 'r', { line: 'SITE CPFR file' }],
  ['SITE CPTO', 'r', { line: 'SITE CPTO copy', session: { copyFrom } }],
  ['SITE CPTO', 'w', { line: 'SITE CPTO copy', session: { copyFrom } }],
  ['SITE COPY', 'r', { line: 'SITE COPY file copy' }],
  ['SITE COPY', 'w', { line: 'SITE COPY file copy' }],
  ['SITE SYMLINK', 'w', { line: 'SITE SYMLINK file link' }],
  ['SITE SYMLINK', 'l', { line: 'SITE SYMLINK file link' }],
  ['SITE SYMLINK', 'r', { line: 'SITE SYMLINK file link' }],
];

const ALL: readonly CommandTraits[] = COMMANDS.flatMap((command) => [command, ...(command.subcommands ?? [])]);
const EACH = CASES.flatMap(([verb, need, ...cases]) => cases.map((one) => ({ verb, need, ...one })));

test('there is a case for every need in the table', () => {
  const needs = ALL.flatMap(({ verb, permissions = [] }) => permissions.map((need) => `${verb}: ${need}`));
  expect(CASES.map(([verb, need]) => `${verb}: ${need}`).sort()).toEqual([...needs].sort());
});

describe.each(EACH)('$verb needs $need ($line)', ({ verb, need, line, session, without, code }) => {
  test('and is refused with every other letter', async () => {
    const missing = without ?? need.slice(0, 1);
    const letters = Object.keys(PERMISSIONS).filter((letter) => !missing.includes(letter));
    const files = tree();
    const answer = await sayWith(letters.join(''), line, { session, files });
    expect(answer.code, answer.text).toBe(code ?? 550);
    if (code === undefined) expect(answer.text).toBe('550 Permission denied.');
    expect(answer.marks).toEqual([]);
    expect(files.text('/dir/file')).toBe('hello');
    expect(files.text('/dir/other')).toBe('text');
  });

  test('and is not refused with the letters of the table and no others', async () => {
    const letters = ALL.find((command) => command.verb === verb)?.permissions?.map((one) => one.slice(0, 1)) ?? [];
    const answer = await sayWith(letters.join(''), line, { session, files: tree() });
    expect(answer.code, answer.text).toBeLessThan(400);
  });
});

/** For each member's command that needs no letter, a line that nothing else refuses. */
const FREE: readonly string[] = [
  ...['PASV', 'EPSV', 'PORT 192,0,2,1,200,1', 'EPRT |1|192.0.2.1|50000|'],
  ...['TYPE I', 'MODE S', 'STRU F', 'REST 5', 'RANG 0 1', 'PWD', 'ABOR', 'SITE HELP', 'SITE QUOTA', 'SITE WHO'],
  'SITE RECEIPT a',
];

test.each(FREE)('%s needs no letter', async (line) => {
  const answer = await sayWith('', line, { files: tree() });
  expect(answer.code, answer.text).toBeLessThan(400);
});

test('every other command of members needs some letter', () => {
  const lines = [...FREE, ...EACH.map(({ line }) => line)];
  const unheard = ALL.filter(({ verb, who }) => who === 'members' && !lines.some((line) => beginsWith(line, verb)));
  expect(unheard.map(({ verb }) => verb)).toEqual([]);
});

test('what is told to operators of a letter names only commands that need it', () => {
  const named = Object.entries(PERMISSIONS).flatMap(([letter, meaning]) =>
    [...meaning.matchAll(/\(([^)]+)\)/g)].flatMap(([, verbs = '']) =>
      verbs.split(', ').map((verb) => [letter, verb] as const),
    ),
  );
  expect(named.length).toBeGreaterThan(30);
  const needs = (letter: string, verb: string) =>
    ALL.find((command) => command.verb === verb)?.permissions?.some((need) => need.startsWith(letter));
  expect(named.filter(([letter, verb]) => needs(letter, verb) !== true)).toEqual([]);
});

function tree(): MemoryFiles {
  const files = new MemoryFiles()
    .put('/dir/file', 'hello')
    .put('/dir/other', 'text')
    .put('/dir/tree/leaf', '')
    .putPartial('/dir/part', 'half');
  files.freeBytesLeft = 1_000;
  return files;
}

/** What a member who has these letters everywhere is answered. */
async function sayWith(
  letters: string,
  line: string,
  { session, files }: { readonly session?: Partial<Session> | undefined; readonly files: MemoryFiles },
) {
  await files.makeDirectory(at('/dir/sub'));
  const permissions: ReadonlySet<PermissionLetter> = parsePermissions(letters) ?? expect.unreachable(letters);
  const done = async () => undefined;
  const account = member({ files: Object.assign(files, { setCreated: done, makeSymlink: done }), permissions });
  return say(line, {
    account: { ...account, files: authorizedFiles(account) },
    session: { cwd: at('/dir'), ...session },
    data: new FakeDataPort(new FakeDataConnection(['ab'])),
    context: { policy: { ...contextWith({}).policy, symlinks: true }, receiptOf: async () => '{}\n' },
  });
}

function beginsWith(line: string, verb: string): boolean {
  return line === verb || line.startsWith(`${verb} `);
}
