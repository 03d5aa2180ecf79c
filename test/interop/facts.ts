/**
 * What a run of real clients has seen: who can do what, in which way and under which policy. Every test file writes its
 * facts where `docs/generate-clients.ts` finds them, and its last test compares them with the page that was committed.
 */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { startGateway, TestUser } from '../fixtures/gateway.ts';
import type { Ability, ClientFacts, Outcome, Sightings } from './seen.ts';
import { COMMITTED_FACTS, DEFAULT_POLICY, FACTS_FOLDER } from './seen.ts';
import type { AnyWay } from './ways.ts';

/** What an account and a gateway set differently from the default, as a configuration file says it. */
export function policyOf(user: TestUser = {}, options: Parameters<typeof startGateway>[0] = {}): string {
  const { sessionReuse, closeNotify } = user;
  const { tlsControlRequired, tlsDataRequired } = options;
  const settings = { sessionReuse, closeNotify, tlsControlRequired, tlsDataRequired };
  const lines = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}: ${value}`);
  return lines.join(', ') || DEFAULT_POLICY;
}

/** Collects the facts of one client, and writes them down when the tests of its file are over. */
export class Witness {
  readonly #facts: ClientFacts;

  /** To be made while a test file is loaded. */
  constructor(client: string, version: string) {
    this.#facts = { client, version, sightings: {} };
    afterAll(async () => {
      if (Object.keys(this.#facts.sightings).length === 0) return;
      await mkdir(FACTS_FOLDER, { recursive: true });
      const file = join(FACTS_FOLDER, `${client.replace(/\W+/g, '-').toLowerCase()}.json`);
      await writeFile(file, JSON.stringify(this.#facts, undefined, 2));
    });
  }

  /** To be called when it has been proved. */
  saw(policy: string, way: AnyWay, ability: Ability, outcome: Outcome): void {
    this.#facts.sightings[policy] ??= {};
    this.#facts.sightings[policy][way.name] ??= {};
    Object.assign(this.#facts.sightings[policy][way.name] ?? {}, { [ability]: outcome });
  }

  /**
   * Registers the comparison with the committed page, behind all other tests of the file. A client of the version that the
   * page names must be seen to do what the page says, no more and no less; another version may do more.
   */
  agreesWithPage(test: (name: string, act: () => void) => void): void {
    const { client, version, sightings } = this.#facts;
    test(`docs/clients.md says what this run saw of ${client}`, () => {
      // The run that the page is made from.
      if (process.env.CLIENTS_PAGE === 'write') return;
      const committed = committedFacts().find((facts) => facts.client === client);
      if (committed?.version === version) expect(sightings, STALE).toEqual(committed.sightings);
      else expect(sightings, STALE).toMatchObject(whatWorks(committed?.sightings ?? {}));
    });
  }
}

const STALE = 'docs/clients.md is stale: npm run docs:clients';

function committedFacts(): readonly ClientFacts[] {
  return JSON.parse(readFileSync(COMMITTED_FACTS, 'utf8'));
}

/** The sightings of success alone. */
function whatWorks(sightings: Sightings): Sightings {
  const works = (outcomes: object) => Object.fromEntries(Object.entries(outcomes).filter(([, seen]) => seen === 'yes'));
  const inWays = (ways: object) => Object.fromEntries(Object.entries(ways).map(([way, seen]) => [way, works(seen)]));
  return Object.fromEntries(Object.entries(sightings).map(([policy, ways]) => [policy, inWays(ways)]));
}
