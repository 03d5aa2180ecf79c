/** The page about clients is what its generator makes of the facts beside it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientsPage } from '../../docs/clients-page.ts';
import { COMMITTED_ENDINGS } from './close-notify-facts.ts';
import { COMMITTED_FACTS } from './seen.ts';

test('docs/clients.md is made from docs/clients.json and docs/close-notify.json', () => {
  // The run that both are made from.
  if (process.env.CLIENTS_PAGE === 'write') return;
  const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  expect(page, 'docs/clients.md is stale: npm run docs:clients').toBe(
    clientsPage(JSON.parse(readFileSync(COMMITTED_FACTS, 'utf8')), JSON.parse(readFileSync(COMMITTED_ENDINGS, 'utf8'))),
  );
});
