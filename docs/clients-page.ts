/** The text of `docs/clients.md`, made from facts and words. */
import type { EndingFacts } from '../test/interop/close-notify-facts.ts';
import type { Ability, ClientFacts, Sightings } from '../test/interop/seen.ts';
import { ABILITIES, DEFAULT_POLICY } from '../test/interop/seen.ts';
import type { ClientWords } from './clients-words.ts';
import { CLIENT_WORDS, ENDINGS, INTRODUCTION, NOT_RUN, ONE_TICKET_CLIENTS } from './clients-words.ts';

/** The page. `endings` are what is known of TLS libraries. @throws Error when a client was seen for which there are no words, or the other way round. */
export function clientsPage(facts: readonly ClientFacts[], endings: readonly EndingFacts[]): string {
  const pairs = facts.map((seen) => {
    const words = CLIENT_WORDS.find(({ client }) => client === seen.client);
    if (words === undefined) throw new Error(`docs/clients-words.ts says nothing of ${seen.client}`);
    return { seen, words };
  });
  const unseen = CLIENT_WORDS.find(({ client }) => facts.every((seen) => seen.client !== client));
  if (unseen !== undefined) throw new Error(`the last run saw nothing of ${unseen.client}`);
  const summary = [
    '| client | version | account setting it needs | why |',
    '|---|---|---|---|',
    ...pairs.map(({ seen, words }) => `| ${seen.client} | ${seen.version} | ${words.needs} | ${words.why} |`),
  ];
  const sections = pairs.map(({ seen, words }) => section(seen, words));
  const closing = [ENDINGS, endingsTable(endings)];
  return `${[INTRODUCTION, summary.join('\n'), ...sections, ONE_TICKET_CLIENTS, ...closing, NOT_RUN].join('\n\n')}\n`;
}

function section({ client, sightings }: ClientFacts, { use, troubles }: ClientWords): string {
  const tables = Object.entries(sightings).map(([policy, ways]) => {
    const title =
      policy === DEFAULT_POLICY ? 'With the default policy:' : `With \`${policy.replaceAll(', ', '`, `')}\`:`;
    return `${title}\n\n${table(ways)}`;
  });
  const list = troubles.map((trouble) => `- ${trouble}`).join('\n');
  return [`## ${client}`, `\`\`\`\n${use}\n\`\`\``, ...tables, ...(list === '' ? [] : [list])].join('\n\n');
}

/** A row for each way in which a library ends connections. */
function endingsTable(endings: readonly EndingFacts[]): string {
  const versions = ['TLSv1.2', 'TLSv1.3'] as const;
  const shown = (seen: EndingFacts['sends']) => {
    const answers = versions.map((version) => seen[version] ?? '–');
    return answers[0] === answers[1] ? (answers[0] ?? '–') : answers.join(', ');
  };
  return [
    '| library | version | an upload ended by | sends close_notify | notices a download that was cut off |',
    '|---|---|---|---|---|',
    ...endings.map(
      ({ library, version, ending, sends, notices }) =>
        `| ${library} | ${version} | ${ending} | ${shown(sends)} | ${shown(notices)} |`,
    ),
  ].join('\n');
}

/** A row for each way; a column for each ability that anybody asked for. */
function table(ways: Sightings[string]): string {
  const rows = Object.entries(ways).sort(([left], [right]) => left.localeCompare(right, 'en'));
  const asked = (Object.keys(ABILITIES) as Ability[]).filter((ability) => rows.some(([, seen]) => ability in seen));
  const cells = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  return [
    cells(['', ...asked.map((ability) => ABILITIES[ability])]),
    `|---|${'---|'.repeat(asked.length)}`,
    ...rows.map(([way, seen]) => cells([way, ...asked.map((ability) => seen[ability] ?? '–')])),
  ].join('\n');
}
