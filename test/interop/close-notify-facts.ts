/** What is known of how TLS libraries end connections, and where it is written down. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, expect } from 'vitest';

/** One way in which programs of a library end connections. */
export interface EndingFacts {
  readonly library: string;
  readonly version: string;
  /** The call with which an upload ends, or the program that makes it. */
  readonly ending: string;
  /** TLS version -> whether close_notify came. */
  readonly sends: Record<string, 'yes' | 'no'>;
  /** TLS version -> whether it says so when a download is cut off in front of our close_notify. */
  readonly notices: Record<string, 'yes' | 'no'>;
}

/** The facts that the page was made from. */
export const COMMITTED_ENDINGS = join(import.meta.dirname, '../../docs/close-notify.json');

/** The facts of the last run. */
export const SEEN_ENDINGS = join(import.meta.dirname, '../../node_modules/.cache/sallyport-close-notify/facts.json');

/** Collects facts, and writes them down when the tests of the file are over. To be made while it is loaded. */
export class EndingWitness {
  readonly #facts: EndingFacts[] = [];

  constructor() {
    afterAll(async () => {
      await mkdir(dirname(SEEN_ENDINGS), { recursive: true });
      await writeFile(SEEN_ENDINGS, JSON.stringify(this.#facts, undefined, 2));
    });
  }

  /** The facts of one ending, to be filled in. */
  of(library: string, version: string, ending: string): EndingFacts {
    const known = this.#facts.find((facts) => facts.library === library && facts.ending === ending);
    if (known !== undefined) return known;
    const facts = { library, version, ending, sends: {}, notices: {} };
    this.#facts.push(facts);
    return facts;
  }

  /** A library of the version that the page names must do what the page says. */
  agreesWithPage(): void {
    if (process.env.CLIENTS_PAGE === 'write') return;
    const committed: EndingFacts[] = JSON.parse(readFileSync(COMMITTED_ENDINGS, 'utf8'));
    for (const seen of this.#facts) {
      const said = committed.find(({ library, ending }) => library === seen.library && ending === seen.ending);
      if (said === undefined || said.version === seen.version) expect(seen, STALE).toEqual(said);
    }
  }
}

const STALE = 'docs/clients.md is stale: npm run docs:clients';
