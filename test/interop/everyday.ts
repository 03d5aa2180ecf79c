/** What partners do every day, asked of every client in every way: the same sentences, the same proof on both disks. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestAPI } from 'vitest';
import { expect } from 'vitest';
import type { TestGateway, TestUser } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { bytesOf, sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import type { Witness } from './facts.ts';
import { policyOf } from './facts.ts';
import type { Ability } from './seen.ts';
import type { AnyWay, Reachable, Way } from './ways.ts';
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
  /** Uploads a file so many times within one login, as `file 0`, `file 1` ..., each time back into the folder as `0`, `1` ... */
  roundTrips?(local: string, folder: string, times: number): Promise<unknown>;
}

/** Makes the client for a gateway. */
export type ClientMaker<W extends AnyWay = Way> = (gateway: Reachable, way: W) => PartnerClient;

/** The work that a client knows nothing of; who asks for it all the same is told so. */
export function cannot<Work extends keyof PartnerClient>(
  program: string,
  works: readonly Work[],
): Record<Work, () => Promise<never>> {
  const refuse = (work: Work) => [work, () => Promise.reject(new Error(`${program} has no ${work}`))];
  return Object.fromEntries(works.map(refuse));
}

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
const ROUNDS = 8;
const UTF8_NAME = 'Größe – 測試 mit Leerzeichen.txt';
const TEXT = 'first line\nsecond line\n\nline four, ö\n';

/** A piece of work: what it shows that the client can do, its sentence, and the proof that the client did it. */
type Piece = readonly [ability: Ability, sentence: string, act: (place: Workplace) => Promise<void>];

const WORK: readonly Piece[] = [
  [
    'transfer',
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
    'replace',
    'replaces a file that exists',
    async ({ client, home, folder }) => {
      await writeFile(join(home, 'a.bin'), bytesOf(FILE_BYTES * 2));
      const sent = await writeBytes(join(folder, 'sent'), FILE_BYTES);
      await client.upload(join(folder, 'sent'), 'a.bin');
      expect(await sha256Of(join(home, 'a.bin'))).toBe(sent);
    },
  ],
  [
    'resumeUpload',
    'resumes an upload',
    async ({ client, home, folder }) => {
      const whole = await writeBytes(join(folder, 'whole'), FILE_BYTES);
      await writeFile(join(home, 'a.bin'), bytesOf(CUT_BYTES));
      await client.resumeUpload(join(folder, 'whole'), 'a.bin');
      expect(await sha256Of(join(home, 'a.bin'))).toBe(whole);
    },
  ],
  [
    'resumeDownload',
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
    'directories',
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
    'names',
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
    'empty',
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
    'text',
    'sends and fetches a text in ASCII mode',
    async ({ client, home, folder }) => {
      await writeFile(join(folder, 'sent.txt'), TEXT);
      await client.uploadText(join(folder, 'sent.txt'), 'a.txt');
      expect(readFileSync(join(home, 'a.txt'), 'utf8')).toBe(TEXT);
      await client.downloadText('a.txt', join(folder, 'received.txt'));
      expect(readFileSync(join(folder, 'received.txt'), 'utf8').replaceAll('\r\n', '\n')).toBe(TEXT);
    },
  ],
  [
    'many',
    `uploads and downloads ${ROUNDS} files in one login`,
    async ({ client, gateway, home, folder }) => {
      assert(client.roundTrips, 'this client has no way to move many files in one login');
      const sent = await writeBytes(join(folder, 'sent'), 100_001);
      await client.roundTrips(join(folder, 'sent'), folder, ROUNDS);
      for (let index = 0; index < ROUNDS; index++) {
        expect(await sha256Of(join(home, `file ${index}`))).toBe(sent);
        expect(await sha256Of(join(folder, `${index}`))).toBe(sent);
      }
      expect(gateway.log.of('command').filter(({ verb }) => verb === 'PASS')).toHaveLength(1);
    },
  ],
];

/** What is asked of a client that only fetches, in place of the same and more above. */
const READING: readonly Piece[] = [
  [
    'download',
    'downloads a file',
    async ({ client, home, folder }) => {
      const sent = await writeBytes(join(home, UTF8_NAME), FILE_BYTES);
      await client.download(UTF8_NAME, join(folder, 'received'));
      expect(await sha256Of(join(folder, 'received'))).toBe(sent);
    },
  ],
  [
    'list',
    'lists a directory',
    async ({ client, home }) => {
      await mkdir(join(home, 'outbox'));
      await writeFile(join(home, 'outbox/report.txt'), 'content');
      expect(await client.list('outbox')).toContain('report.txt');
    },
  ],
  ...WORK.filter(([ability]) => ability === 'resumeDownload'),
];

/** Who does the work, where and under which policy. */
interface Assignment<W extends AnyWay> {
  readonly test: Pick<TestAPI, 'each'>;
  readonly ways: readonly W[];
  readonly make: ClientMaker<W>;
  readonly witness: Witness;
  /** Where the account differs from the strict default. */
  readonly user?: TestUser;
  readonly options?: Parameters<typeof startGateway>[0];
}

/**
 * Registers one test for each piece of work in each way, but for what the client `lacks`: policy is the strict default,
 * but for what `user` and `options` set. Each test also proves that TLS had the version and the data connection the mode
 * that its name says.
 */
export function everydayWork<W extends AnyWay>(
  program: string,
  { lacks = ['many'], reads, ...assignment }: Assignment<W> & { lacks?: readonly Ability[]; reads?: 'only' },
): void {
  const { test, ways, witness, user, options } = assignment;
  const pieces = (reads === 'only' ? READING : WORK).filter(([ability]) => !lacks.includes(ability));
  const table = ways.flatMap((way) => pieces.map(([ability, sentence, act]) => ({ way, ability, act, sentence })));
  test.each(table)(`${program} $sentence ($way.name)`, async ({ way, ability, act }) => {
    const gateway = await work(assignment, way, act);
    expectWay(gateway, way);
    witness.saw(policyOf(user, options), way, ability, 'yes');
  });
}

/**
 * Registers one test for each way in which a piece of work is refused under the policy of the assignment: the client fails,
 * and a command of its was answered with exactly this code and these words.
 */
export function refusedWork<W extends AnyWay>(
  program: string,
  { ability, reply, ...assignment }: Assignment<W> & { readonly ability: Ability; readonly reply: RegExp },
): void {
  const { test, ways, witness, user, options } = assignment;
  const code = /\d{3}/.exec(reply.source)?.[0] ?? '';
  const [, sentence, act] = WORK.find((piece) => piece[0] === ability) ?? assert.fail(ability);
  test.each(ways)(`${program} that ${sentence} is refused with ${code} ($name)`, async (way) => {
    await work(assignment, way, async (place) => {
      await expect(act(place)).rejects.toThrow();
      const replies = () => place.gateway.log.entries.map(({ fields }) => `${fields.code} ${fields.text}`);
      // Some clients give up before they have read the reply.
      await expect.poll(replies, { interval: 10 }).toContainEqual(expect.stringMatching(reply));
      witness.saw(policyOf(user, options), way, ability, code);
    });
  });
}

async function work<W extends AnyWay>(
  { make, user, options }: Assignment<W>,
  way: W,
  act: (place: Workplace) => Promise<void>,
): Promise<TestGateway> {
  const gateway = await startGateway({ host: hostOf(way), ...options }, user);
  const folder = await temporaryFolder();
  await act({ client: make(gateway, way), gateway, home: gateway.home, folder });
  return gateway;
}

/** The refusal of a data connection that does not resume the control connection's TLS session. */
export const REUSE_REFUSAL =
  /^522 The data connection must resume the TLS session of the control connection: switch on TLS session reuse in the client\.$/;

/** The refusal of an upload that ended without close_notify. */
export const CLOSE_REFUSAL = /^426 The data connection ended without TLS close_notify, so the file may be cut off/;

/** The gateway's own record of how it was reached. */
export function expectWay({ log }: TestGateway, way: AnyWay): void {
  const versions = new Set(log.of('tls.control').map((fields) => fields.version));
  expect([...versions]).toEqual(way.version === 'none' ? [] : [`TLSv${way.version}`]);
  const verbs = new Set(log.of('command').map((fields) => String(fields.verb)));
  const arranged = [...verbs].filter((verb) => ARRANGING.has(verb));
  const wanted = way.mode === 'passive' ? ['PASV', 'EPSV'] : ['PORT', 'EPRT'];
  expect(arranged.length).toBeGreaterThan(0);
  for (const verb of arranged) expect(wanted).toContain(verb);
}

const ARRANGING = new Set(['PASV', 'EPSV', 'PORT', 'EPRT']);
