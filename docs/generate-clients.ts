/**
 * Writes `docs/clients.md` and the facts behind it, `docs/clients.json`, from what the last run of `test/interop` has seen.
 * `npm run docs:clients` makes such a run first. What a client is said to do comes from there; how it is told to do it comes
 * from `clients-words.ts`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientFacts } from '../test/interop/seen.ts';
import { COMMITTED_FACTS, FACTS_FOLDER } from '../test/interop/seen.ts';
import { clientsPage } from './clients-page.ts';

const facts = readdirSync(FACTS_FOLDER)
  .map((name): ClientFacts => JSON.parse(readFileSync(join(FACTS_FOLDER, name), 'utf8')))
  .sort((left, right) => left.client.localeCompare(right.client, 'en'));
writeFileSync(COMMITTED_FACTS, `${JSON.stringify(facts, undefined, 2)}\n`);
writeFileSync(join(import.meta.dirname, 'clients.md'), clientsPage(facts));
console.log(`docs/clients.md: ${facts.length} clients.`);
