/** The table of commands is complete, and `docs/rfc.md` says what it does. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DOCUMENTS, rfcPage } from '../../docs/generate-rfc.ts';
import { COMMANDS } from '../../src/commands/all.ts';
import { isForeseen, LISTED_VERBS } from '../commands/listed-replies.ts';
import { TLS } from '../fakes/data-channel.ts';
import { contextWith } from '../fixtures/command-context.ts';

/** With those behind SITE. */
const ALL = COMMANDS.flatMap((command) => [command, ...(command.subcommands ?? [])]);

const inClear = contextWith({});
const overTls = contextWith({ session: { ...inClear.session, controlTls: TLS } });

test.each(DOCUMENTS.flatMap(({ name, verbs }) => verbs.map((verb) => [verb, name] as const)))(
  '%s of %s is in the table, built or refused',
  (verb) => {
    expect(COMMANDS.filter((command) => command.verb === verb)).toHaveLength(1);
  },
);

test('a command that says it comes from one of the documents is on the list of that document', () => {
  const strays = COMMANDS.filter(({ verb, rfc }) => {
    // An appendix tells of what others do; it defines nothing.
    const own = DOCUMENTS.filter(({ name }) => rfc.startsWith(`${name} section`));
    return own.length > 0 && !own.some(({ verbs }) => verbs.includes(verb));
  });
  expect(strays.map(({ verb, rfc }) => `${verb}: ${rfc}`)).toEqual([]);
});

// What RFC 2228 section 3, RFC 4217 section 5 and RFC 959 section 5.4 name for a refusal.
test.each([
  ['CCC', 533, 534],
  ['ADAT', 503, 503],
  ['MIC', 503, 537],
  ['CONF', 503, 537],
  ['ENC', 503, 537],
  ['SMNT', 502, 502],
])('%s is refused with %i in clear and %i over TLS, and the page says so', async (verb, clear, tls) => {
  const command = COMMANDS.find((one) => one.verb === verb);
  expect((await command?.run(inClear, 'x'))?.reply.code).toBe(clear);
  expect((await command?.run(overTls, ''))?.reply).toMatchObject({ code: tls, lines: [command?.refused] });
  expect(command?.note).toContain(`${tls}`);
  expect(command?.note).toContain(`${clear}`);
});

test('nothing else is refused whatever is asked', () => {
  const refused = COMMANDS.filter((command) => command.refused !== undefined).map(({ verb }) => verb);
  expect(refused.sort()).toEqual(['ADAT', 'CCC', 'CONF', 'ENC', 'MIC', 'SMNT']);
});

test('notes are sentences', () => {
  const broken = ALL.filter(({ note }) => note !== undefined && !/^\S.*\.$/.test(note));
  expect(broken.map(({ verb, note }) => `${verb}: ${note}`)).toEqual([]);
});

test('the page has one row for every command of the table, those behind SITE too, with the letters that it needs', () => {
  const rows = rfcPage(COMMANDS).split('\n');
  for (const { verb, permissions = [] } of ALL) {
    // REST stands under both documents that define it.
    const own = new Set(rows.filter((row) => new RegExp(`^\\| \`${verb}\`[ ,]`).test(row)));
    expect(own.size, verb).toBe(1);
    for (const row of own) expect(row).toContain(` | ${permissions.join('; ')} | `);
  }
  expect(rows.filter((row) => row.startsWith('| `SITE ')).length).toBe(10);
});

test('a reply is on the page when it is outside the lists of RFC 959 section 5.4', () => {
  // The tables of test/commands check it for every line that they have; these are the ones that would come to mind.
  for (const [line, code] of [
    ['LIST', 550],
    ['NLST', 550],
    ['STAT', 550],
    ['ALLO 1', 452],
    ['SITE X', 504],
    ['STOR x', 521],
    ['RETR x', 522],
    ['RETR x', 554],
  ] as const) {
    expect(isForeseen(line, code), `${line} ${code}`).toBe(true);
  }
  expect(isForeseen('LIST', 552)).toBe(false);
  const built = DOCUMENTS[0]?.verbs.filter((verb) => !LISTED_VERBS.includes(verb));
  expect(built).toEqual([]);
});

test('docs/rfc.md is what `npm run docs` makes of the table', () => {
  const page = readFileSync(new URL('../../docs/rfc.md', import.meta.url), 'utf8');
  expect(page).toBe(rfcPage(COMMANDS));
});

test('a verb that is missing in the table stops the page', () => {
  const without = COMMANDS.filter(({ verb }) => verb !== 'EPSV');
  expect(() => rfcPage(without)).toThrow('EPSV of RFC 2428 is neither built nor refused');
});
