/** What can be known of a client, and where it is written down. */
import { join } from 'node:path';

/** What a client can be seen doing, as the page's columns have it. */
export const ABILITIES = {
  login: 'log in',
  transfer: 'upload, download',
  download: 'download',
  replace: 'replace',
  resumeUpload: 'resume upload',
  resumeDownload: 'resume download',
  directories: 'list, rename, delete, mkdir',
  list: 'list',
  names: 'UTF-8 names',
  empty: 'empty files',
  text: 'ASCII',
  many: 'many files in one login',
  tree: 'directory trees',
  implicit: 'implicit TLS',
} as const;

export type Ability = keyof typeof ABILITIES;

/** `yes`, or what happened instead: the code of the refusal, or a few words. */
export type Outcome = string;

/** Policy -> way -> ability -> outcome. */
export type Sightings = Record<string, Record<string, Partial<Record<Ability, Outcome>>>>;

/** All that is known of a client. */
export interface ClientFacts {
  readonly client: string;
  readonly version: string;
  readonly sightings: Sightings;
}

/** Where the facts of the last run are, a file for each client. */
export const FACTS_FOLDER = join(import.meta.dirname, '../../node_modules/.cache/sallyport-clients');

/** The facts that the page was made from. */
export const COMMITTED_FACTS = join(import.meta.dirname, '../../docs/clients.json');

/** The name of the policy that holds where nothing is set. */
export const DEFAULT_POLICY = 'default';
