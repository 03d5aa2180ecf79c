/** When answers of OCSP are fetched, renewed and dropped: with a clock and a responder that the test holds in its hand. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import { OcspAnswers } from '../../src/server/ocsp-answers.ts';
import { ocspFetch } from '../../src/server/ocsp-fetch.ts';
import type { OcspSubject } from '../../src/transport/ocsp.ts';
import { needs } from '../fixtures/client-programs.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { AUTHORITY, ocspAnswer, opensslPair, serverExtensions } from '../fixtures/openssl-certificates.ts';

const test = needs('openssl');

const URL_ASKED = 'http://ocsp.example/';
const HOUR_MS = 3_600_000;

let subject: OcspSubject;
/** Good for 4 hours from `madeMs` on, and one that says revoked. */
let good: Buffer;
let revoked: Buffer;
let madeMs: number;

beforeAll(async () => {
  const folder = await lastingFolder();
  const issuer = await opensslPair(folder, 'authority', { extensions: AUTHORITY });
  const access = `authorityInfoAccess=OCSP;URI:${URL_ASKED}`;
  const leaf = await opensslPair(folder, 'leaf', { issuer, extensions: [...serverExtensions(), access] });
  subject = { certificate: new X509Certificate(leaf.cert), issuer: new X509Certificate(issuer.cert) };
  madeMs = Date.now();
  good = await ocspAnswer(folder, leaf, { issuer, minutes: 240 });
  revoked = await ocspAnswer(folder, leaf, { issuer, status: 'revoked', minutes: 240 });
}, 60_000);

let clock: FakeClock;
let log: RecordingLog;
/** What the responder gives; undefined is silence with an error. */
let answer: Buffer | undefined;
let asked: string[];

beforeEach(() => {
  clock = new FakeClock(madeMs);
  log = new RecordingLog();
  answer = good;
  asked = [];
});

function followed(): OcspAnswers {
  const fetch = async (url: string) => {
    asked.push(url);
    if (answer === undefined) throw new Error('nobody is there');
    return answer;
  };
  const answers = new OcspAnswers({ clock, log, fetch });
  answers.follow([subject]);
  onTestFinished(() => answers.stop());
  answers.start();
  return answers;
}

/** Lets what has been set going come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('a responder that fails is asked again and again, ever more rarely, and nothing is stapled meanwhile', async () => {
  answer = undefined;
  const answers = followed();
  await settle();
  expect(answers.about(subject.certificate)).toBe(undefined);
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    const before = asked.length;
    clock.advance(minutes * 60_000 - 1);
    await settle();
    expect(asked.length).toBe(before);
    clock.advance(1);
    await settle();
    expect(asked.length).toBe(before + 1);
  }
  expect(log.of('ocsp.fetch_failed')).toHaveLength(9);
});

test('an answer is renewed at half of its time, kept while renewing fails, and dropped when it has ended', async () => {
  const answers = followed();
  await settle();
  expect(answers.about(subject.certificate)?.equals(good)).toBe(true);
  answer = undefined;
  clock.advance(2 * HOUR_MS + 1_000);
  await settle();
  expect(asked).toEqual([URL_ASKED, URL_ASKED]);
  expect(answers.about(subject.certificate)?.equals(good)).toBe(true);
  clock.advance(2 * HOUR_MS);
  await settle();
  expect(answers.about(subject.certificate)).toBe(undefined);
});

test('a certificate that is revoked loses the answer that it had', async () => {
  const answers = followed();
  await settle();
  answer = revoked;
  clock.advance(2 * HOUR_MS + 1_000);
  await settle();
  expect(answers.about(subject.certificate)).toBe(undefined);
  expect(log.of('ocsp.revoked')).toHaveLength(1);
});

test('what is followed on keeps its answer, what is not is asked about no more', async () => {
  const answers = followed();
  await settle();
  answers.follow([subject]);
  expect(answers.about(subject.certificate)?.equals(good)).toBe(true);
  answers.follow([]);
  expect(answers.about(subject.certificate)).toBe(undefined);
  clock.advance(24 * HOUR_MS);
  await settle();
  expect(asked).toHaveLength(1);
});

test('a gateway that stops asks no more', async () => {
  const answers = followed();
  answers.stop();
  await settle();
  clock.advance(24 * HOUR_MS);
  await settle();
  expect(asked).toHaveLength(1);
  expect(log.entries).toEqual([]);
});

test('the question is sent with POST; failures and answers without an end are refused', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
    if (request.url === '/missing') return void response.writeHead(404).end();
    if (request.url === '/moved') return void response.writeHead(302, { location: '/' }).end();
    if (request.url === '/long') return void response.end(Buffer.alloc(1_000_000));
    request.pipe(response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const signal = AbortSignal.timeout(10_000);
  const fetch = ocspFetch(systemClock);
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, Buffer.from('question'), signal);
  await expect(ask('/missing')).rejects.toThrow('status 404');
  await expect(ask('/moved')).rejects.toThrow('status 302');
  await expect(ask('/long')).rejects.toThrow('more than 65536 bytes');
  expect(String(await ask('/'))).toBe('question');
  expect(seen.at(-1)).toBe('POST / application/ocsp-request');
});
