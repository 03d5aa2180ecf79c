/** What partners do every day, asked of every client in every way: the same sentences, the same proof on both disks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestAPI } from 'vitest';
import { expect } from 'vitest';
import type { TestGateway, TestUser } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { bytesOf, sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import type { Reachable, Way } from './ways.ts';
import { hostOf } from './ways.ts';

/** A client as a partner's script uses it. Local names are paths; everything throws what the client said when it fails. */
export interface PartnerClient {
  upload(local: string, remote: string): Promise<unknown>;
  download(remote: string, local: string): Promise<unknown>;
  /** Sends what the server lacks of a file of which it has the beginning. */
  resumeUpload(local: string, remote: string): Promise<unknown>;
  /** Fetches what the local file lacks, of which the beginning is there. */
  resumeDownload(remote: string, local: string): Promise<unknown>;
  /** The names in a directory, somewhere in the text. */
  list(directory: string): Promise<string>;
  rename(from: string, to: string): Promise<unknown>;
  remove(path: string): Promise<unknown>;
  makeDirectory(path: string): Promise<unknown>;
  /** The same as `upload` and `download` in TYPE A. */
  uploadText(local: string, remote: string): Promise<unknown>;
  downloadText(remote: string, local: string): Promise<unknown>;
}

/** Makes the client for a gateway. */
export type ClientMaker = (gateway: Reachable, way: Way) => PartnerClient;

/** Everything that a piece of work needs. */
interface Workplace {
  readonly client: PartnerClient;
  readonly gateway: TestGateway;
  /** The account's home, as the server's disk has it. */
  readonly home: string;
  /** The client's folder. */
  readonly folder: string;
}

/** More than one batch, and not a multiple of anything. */
const FILE_BYTES = 1_500_001;
const CUT_BYTES = 700_001;
const UTF8_NAME = 'Größe – 測試 mit Leerzeichen.txt';
const TEXT = 'first line\nsecond line\n\nline four, ö\n';

/** The table of pieces of work: what the client does, and the proof that it did. */
const WORK: readonly (readonly [string, (place: Workplace) => Promise<void>])[] = [
  [
    'uploads a file and downloads the same bytes',
    async ({ client, home, folder }) => {
      const sent = await writeBytes(join(folder, 'sent'), FILE_BYTES);
      await client.upload(join(folder, 'sent'), 'a.bin');
      expect(await sha256Of(join(home, 'a.bin'))).toBe(sent);
      await client.download('a.bin', join(folder, 'received'));
      expect(await sha256Of(join(folder, 'received'))).toBe(sent);
    },
  ],
  [
    'replaces a file that exists',
    async ({ client, home, folder }) => {
      await writeFile(join(home, 'a.bin'), bytesOf(FILE_BYTES * 2));
      const sent = await writeBytes(join(folder, 'sent'), FILE_BYTES);
      await client.upload(join(folder, 'sent'), 'a.bin');
      expect(await sha256Of(join(home, 'a.bin'))).toBe(sent);
    },
  ],
  [
    'resumes an upload',
    async ({ client, home, folder }) => {
      const whole = await writeBytes(join(folder, 'whole'), FILE_BYTES);
      await writeFile(join(home, 'a.bin'), bytesOf(CUT_BYTES));
      await client.resumeUpload(join(folder, 'whole'), 'a.bin');
      expect(await sha256Of(join(home, 'a.bin'))).toBe(whole);
    },
  ],
  [
    'resumes a download',
    async ({ client, home, folder }) => {
      const whole = await writeBytes(join(home, 'a.bin'), FILE_BYTES);
      await writeBytes(join(folder, 'cut'), FILE_BYTES);
      await truncate(join(folder, 'cut'), CUT_BYTES);
      await client.resumeDownload('a.bin', join(folder, 'cut'));
      expect(await sha256Of(join(folder, 'cut'))).toBe(whole);
    },
  ],
  [
    'lists, renames, deletes and makes a directory',
    async ({ client, home }) => {
      await writeFile(join(home, 'old.txt'), 'content');
      await writeFile(join(home, 'gone.txt'), 'content');
      await client.makeDirectory('inbox');
      const before = await client.list('');
      for (const name of ['old.txt', 'gone.txt', 'inbox']) expect(before).toContain(name);
      await client.rename('old.txt', 'inbox/new.txt');
      await client.remove('gone.txt');
      expect(await client.list('inbox')).toContain('new.txt');
      expect(readdirSync(home)).toEqual(['inbox']);
      expect(readFileSync(join(home, 'inbox/new.txt'), 'utf8')).toBe('content');
    },
  ],
  [
    'handles names in UTF-8 with spaces',
    async ({ client, home, folder }) => {
      const sent = await writeBytes(join(folder, UTF8_NAME), 1_000);
      await client.makeDirectory('Eingang 受信');
      await client.upload(join(folder, UTF8_NAME), `Eingang 受信/${UTF8_NAME}`);
      expect(await sha256Of(join(home, 'Eingang 受信', UTF8_NAME))).toBe(sent);
      expect(await client.list('Eingang 受信')).toContain(UTF8_NAME);
      await client.rename(`Eingang 受信/${UTF8_NAME}`, `moved ${UTF8_NAME}`);
      await client.download(`moved ${UTF8_NAME}`, join(folder, 'received'));
      expect(await sha256Of(join(folder, 'received'))).toBe(sent);
      await client.remove(`moved ${UTF8_NAME}`);
      expect(existsSync(join(home, `moved ${UTF8_NAME}`))).toBe(false);
    },
  ],
  [
    'uploads and downloads a file without bytes',
    async ({ client, home, folder }) => {
      await writeFile(join(folder, 'empty'), '');
      await writeFile(join(home, 'filled-before'), 'old');
      await client.upload(join(folder, 'empty'), 'filled-before');
      expect(readFileSync(join(home, 'filled-before'))).toHaveLength(0);
      await client.download('filled-before', join(folder, 'received'));
      // Some clients make no local file when no byte has come.
      if (existsSync(join(folder, 'received'))) expect(readFileSync(join(folder, 'received'))).toHaveLength(0);
    },
  ],
  [
    'sends and fetches a text in ASCII mode',
    async ({ client, home, folder }) => {
      await writeFile(join(folder, 'sent.txt'), TEXT);
      await client.uploadText(join(folder, 'sent.txt'), 'a.txt');
      expect(readFileSync(join(home, 'a.txt'), 'utf8')).toBe(TEXT);
      await client.downloadText('a.txt', join(folder, 'received.txt'));
      expect(readFileSync(join(folder, 'received.txt'), 'utf8').replaceAll('\r\n', '\n')).toBe(TEXT);
    },
  ],
];

/**
 * Registers one test for each piece of work in each way: policy is the strict default, but for what `user` sets. Each test
 * also proves that TLS had the version and the data connection the mode that its name says.
 */
export function everydayWork(
  program: string,
  {
    test,
    ways,
    make,
    user = {},
  }: { test: Pick<TestAPI, 'each'>; ways: readonly Way[]; make: ClientMaker; user?: TestUser },
): void {
  const table = ways.flatMap((way) => WORK.map(([sentence, act]) => [sentence, way.name, way, act] as const));
  test.each(table)(`${program} %s (%s)`, async (_sentence, _name, way, act) => {
    const gateway = await startGateway({ host: hostOf(way) }, user);
    const folder = await temporaryFolder();
    await act({ client: make(gateway, way), gateway, home: gateway.home, folder });
    expectWay(gateway, way);
  });
}

/** The gateway's own record of how it was reached. */
export function expectWay({ log }: TestGateway, way: Way): void {
  const versions = new Set(log.of('tls.control').map((fields) => fields.version));
  expect([...versions]).toEqual([`TLSv${way.version}`]);
  const verbs = new Set(log.of('command').map((fields) => String(fields.verb)));
  const arranged = [...verbs].filter((verb) => ARRANGING.has(verb));
  const wanted = way.mode === 'passive' ? ['PASV', 'EPSV'] : ['PORT', 'EPRT'];
  expect(arranged.length).toBeGreaterThan(0);
  for (const verb of arranged) expect(wanted).toContain(verb);
}

const ARRANGING = new Set(['PASV', 'EPSV', 'PORT', 'EPRT']);
