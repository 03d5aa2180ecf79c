/**
 * Writes `docs/clients.md` and the facts behind it, `docs/clients.json` and `docs/close-notify.json`, from what the last run of `test/interop` has seen.
 * `npm run docs:clients` makes such a run first. What a client is said to do comes from there; how it is told to do it comes
 * from `clients-words.ts`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMITTED_ENDINGS, type EndingFacts, SEEN_ENDINGS } from '../test/interop/close-notify-facts.ts';
import type { ClientFacts } from '../test/interop/seen.ts';
import { COMMITTED_FACTS, FACTS_FOLDER } from '../test/interop/seen.ts';
import { clientsPage } from './clients-page.ts';

const facts = readdirSync(FACTS_FOLDER)
  .map((name): ClientFacts => JSON.parse(readFileSync(join(FACTS_FOLDER, name), 'utf8')))
  .sort((left, right) => left.client.localeCompare(right.client, 'en'));
writeFileSync(COMMITTED_FACTS, `${JSON.stringify(facts, undefined, 2)}\n`);
const endings: EndingFacts[] = JSON.parse(readFileSync(SEEN_ENDINGS, 'utf8'));
writeFileSync(COMMITTED_ENDINGS, `${JSON.stringify(endings, undefined, 2)}\n`);
writeFileSync(join(import.meta.dirname, 'clients.md'), clientsPage(facts, endings));
console.log(`docs/clients.md: ${facts.length} clients.`);
