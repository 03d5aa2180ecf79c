/** Answers of ICAP servers, read strictly, and within bounds whatever comes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ByteReader,
  chunkedBody,
  IcapBroken,
  parseEncapsulated,
  parseHead,
  readIcapHead,
} from '../../src/intake/gates/icap-answer.ts';
import { type SentFile, verdictOf } from '../../src/intake/gates/icap-verdict.ts';

/** A reader of these pieces. */
function readerOf(pieces: readonly Buffer[]): ByteReader {
  const rest = [...pieces];
  return new ByteReader(async () => rest.shift());
}

async function bodyOf(text: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of chunkedBody(readerOf([Buffer.from(text, 'latin1')]))) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

/** A file `hello` that was sent whole. */
const sent: SentFile = {
  method: 'RESPMOD',
  requestLine: 'GET http://sallyport/alice/a HTTP/1.1',
  bytes: () => 5,
  decidable: () => true,
  whole: () => ({ bytes: 5, sha256: HELLO }),
};

/** What becomes of an answer that comes in these pieces. */
async function outcomeOf(pieces: readonly Buffer[], changes: Partial<SentFile> = {}): Promise<unknown> {
  const reader = readerOf(pieces);
  try {
    return await verdictOf(await readIcapHead(reader), reader, { ...sent, ...changes });
  } catch (error) {
    return error instanceof IcapBroken ? 'broken' : String(error);
  }
}

const outcome = (text: string, changes?: Partial<SentFile>) => outcomeOf([Buffer.from(text, 'latin1')], changes);

const HTTP = 'HTTP/1.1 200 OK\r\nVia: 1.0 scanner\r\n\r\n';
const ECHO = `ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=${HTTP.length}\r\n\r\n${HTTP}5\r\nhello\r\n0\r\n\r\n`;

describe('a head', () => {
  test.each([
    ['another protocol', 'HTTP/1.1 204 OK\r\n\r\n'],
    ['another version', 'ICAP/2.0 204 OK\r\n\r\n'],
    ['no code', 'ICAP/1.0 OK\r\n\r\n'],
    ['a code of four digits', 'ICAP/1.0 2040 OK\r\n\r\n'],
    ['bare line feeds', 'ICAP/1.0 204 OK\n\n'],
    ['a bare CR', 'ICAP/1.0 204 OK\r\nA: b\rc\r\n\r\n'],
    ['a NUL', 'ICAP/1.0 204 OK\r\nA: b\0\r\n\r\n'],
    ['a header without a colon', 'ICAP/1.0 204 OK\r\nA\r\n\r\n'],
    ['a space in front of the colon', 'ICAP/1.0 204 OK\r\nA : b\r\n\r\n'],
    ['an end before its end', 'ICAP/1.0 204 OK\r\nA: b\r\n'],
    ['too much', `ICAP/1.0 204 OK\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['too much without an end', 'x'.repeat(70_000)],
    ['nothing', ''],
  ])('is broken by %s', async (_, text) => {
    expect(await outcome(text)).toBe('broken');
  });

  test('has headers without regard to case, joined when there are several, and unfolded', () => {
    const { headers } = parseHead(
      'ICAP/1.0 200 OK\r\nAllow: 204\r\nALLOW:206 \r\nX-Violations-Found: 1\r\n\tname\r\n\tEicar',
    );
    expect([...headers]).toEqual([
      ['allow', '204, 206'],
      ['x-violations-found', '1 name Eicar'],
    ]);
  });
});

describe('the header Encapsulated', () => {
  test.each([
    [undefined],
    [''],
    ['res-body'],
    ['res-body=x'],
    ['res-body=5'],
    ['res-hdr=1, res-body=5'],
    ['res-hdr=0'],
    ['res-hdr=0, req-hdr=3, res-body=5'],
    ['res-hdr=0, res-body=9999999'],
    ['res-hdr=0, res-body=65537'],
    ['res-hdr=0, res-body=-1'],
  ])('is broken: %s', (value) => {
    expect(() => parseEncapsulated(value)).toThrow(IcapBroken);
  });

  test.each([
    ['null-body=0', { head: undefined, body: 'none' }],
    ['res-body=0', { head: undefined, body: 'chunked' }],
    ['res-hdr=0, res-body=91', { head: { kind: 'res-hdr', bytes: 91 }, body: 'chunked' }],
    ['req-hdr=0,null-body=9', { head: { kind: 'req-hdr', bytes: 9 }, body: 'none' }],
  ])('is read: %s', (value, meant) => {
    expect(parseEncapsulated(value)).toEqual(meant);
  });
});

describe('a body', () => {
  test.each([
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['a size that is none', 'g\r\n'],
    ['a negative size', '-1\r\n'],
    ['a size without end', `${'0'.repeat(2_000)}`],
    ['a size beyond all', 'fffffffff\r\n'],
    ['a chunk that is too long', '4\r\nhello\r\n0\r\n\r\n'],
    ['a chunk that is too short', '6\r\nhello\r\n0\r\n\r\n'],
    ['no last chunk', '5\r\nhello\r\n'],
    ['no end of the trailers', '0\r\n'],
    ['trailers without end', `0\r\n${'A: b\r\n'.repeat(20_000)}`],
  ])('is broken by %s', async (_, text) => {
    await expect(bodyOf(text)).rejects.toThrow(IcapBroken);
  });

  test('is read with extensions and trailers', async () => {
    expect(await bodyOf('3;a=b\r\nhel\r\n02 \r\nlo\r\n0; ieof\r\nA: b\r\n\r\n')).toBe('hello');
  });
});

describe('what an answer means', () => {
  test.each([
    ['100 behind 100', 'ICAP/1.0 100 Continue\r\n\r\n', 'answered 100'],
    ['206', 'ICAP/1.0 206 Partial\r\n\r\n', 'answered 206'],
    ['302', 'ICAP/1.0 302 Found\r\n\r\n', 'answered 302'],
    ['403', 'ICAP/1.0 403 Forbidden\r\n\r\n', 'answered 403'],
    ['404', 'ICAP/1.0 404 Service not found\r\n\r\n', 'answered 404'],
    ['500', 'ICAP/1.0 500 Server error\r\nX-Infection-Found: x\r\n\r\n', 'answered 500'],
    ['503', 'ICAP/1.0 503 Overloaded\r\n\r\n', 'answered 503'],
    ['an HTTP error of its own', ECHO.replace('HTTP/1.1 200', 'HTTP/1.1 502'), 'with HTTP 502'],
  ])('%s is a failure', async (_, text, words) => {
    expect(await outcome(text)).toContain(words);
  });

  test.each([
    ['200 without Encapsulated', 'ICAP/1.0 200 OK\r\n\r\n'],
    ['a head that is shorter than it was said to be', ECHO.replace('\r\nVia: 1.0 scanner', '')],
    ['no HTTP status', ECHO.replace('HTTP/1.1 200 OK', 'HTTP/1.1 OK 200')],
    ['a request in answer to a response', ECHO.replace('res-hdr', 'req-hdr')],
    ['a body that breaks off', ECHO.slice(0, -7)],
  ])('%s is no answer', async (_, text) => {
    expect(await outcome(text)).toBe('broken');
  });

  test('204 for a part of a file is no answer', async () => {
    expect(await outcome('ICAP/1.0 204 No\r\n\r\n', { decidable: () => false })).toBe('broken');
  });

  test.each([
    ['X-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test; ', 'Eicar-Test'],
    ['X-Infection-Found:', 'an infection'],
    ['x-virus-id: Some\u0008thing', 'Some\\u0008thing'],
    ['X-Violations-Found: 1\r\n  a.exe\r\n  Eicar', 'violations: 1 a.exe Eicar'],
  ])('%s is a refusal, with 204 and 200 alike', async (header, reason) => {
    for (const code of [200, 204]) {
      const said = await outcome(`ICAP/1.0 ${code} OK\r\n${header}\r\n\r\n`);
      expect(said).toEqual({ verdict: 'refuse', reason });
    }
    const within = `HTTP/1.1 200 OK\r\n${header}\r\n\r\n`;
    const text = `ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=${within.length}\r\n\r\n${within}`;
    expect(await outcome(text)).toEqual({ verdict: 'refuse', reason });
  });

  test.each([
    ['HTTP 403', ECHO.replace('200 OK\r\nVia', '403 No\r\nVia'), 'the server answered with HTTP 403'],
    ['a redirect', ECHO.replace('200 OK\r\nVia', '302 No\r\nVia'), 'the server answered with HTTP 302'],
    ['other contents', ECHO.replace('hello', 'HELLO'), 'the server put other contents in its place'],
    ['less', ECHO.replace('5\r\nhello\r\n', '4\r\nhell\r\n'), 'the server put other contents in its place'],
    ['more', ECHO.replace('5\r\nhello\r\n', '6\r\nhello!\r\n'), 'the server put other contents in its place'],
    ['no contents', ECHO.replace('res-body', 'null-body'), 'the server put other contents in its place'],
  ])('%s in its place is a refusal', async (_, text, reason) => {
    expect(await outcome(text)).toEqual({ verdict: 'refuse', reason });
  });

  test('what cannot be the file, since it was not sent whole, is a refusal', async () => {
    expect(await outcome(ECHO, { whole: () => undefined })).toMatchObject({ verdict: 'refuse' });
    const long = `ICAP/1.0 200 OK\r\nEncapsulated: res-body=0\r\n\r\n${'100000\r\n'}${'x'.repeat(0x100000)}\r\n10\r\n${'x'.repeat(16)}`;
    expect(await outcome(long)).toMatchObject({ verdict: 'refuse' });
  });

  test('a response to a request, or another request, is a refusal', async () => {
    expect(await outcome(ECHO, { method: 'REQMOD' })).toMatchObject({ reason: 'the server answered with HTTP 200' });
    const request = `${sent.requestLine.replace('alice', 'blocked')}\r\n\r\n`;
    const text = `ICAP/1.0 200 OK\r\nEncapsulated: req-hdr=0, req-body=${request.length}\r\n\r\n${request}5\r\nhello\r\n0\r\n\r\n`;
    expect(await outcome(text, { method: 'REQMOD' })).toMatchObject({
      reason: 'the server made another request of it',
    });
    expect(
      await outcome(text.replace('blocked', 'alice').replaceAll(String(request.length), String(request.length - 2)), {
        method: 'REQMOD',
      }),
    ).toEqual({ verdict: 'pass' });
  });

  test('204, and the same contents, are a pass', async () => {
    expect(await outcome('ICAP/1.0 204 No Content\r\nISTag: "a"\r\n\r\n')).toEqual({ verdict: 'pass' });
    expect(await outcome('ICAP/1.0 204\r\nX-Violations-Found: 0\r\n\r\n')).toEqual({ verdict: 'pass' });
    expect(await outcome(ECHO)).toEqual({ verdict: 'pass' });
    expect(await outcome(ECHO.replace('5\r\nhello\r\n', '2\r\nhe\r\n3\r\nllo\r\n'))).toEqual({ verdict: 'pass' });
  });
});

describe('whatever comes', () => {
  const PARTS = ['ICAP/1.0 ', '200 OK', '204', '\r\n', '\r\n\r\n', 'Encapsulated: ', 'res-hdr=0, ', 'res-body=19'];
  const parts = fc
    .array(
      fc.oneof(fc.constantFrom(...PARTS, 'HTTP/1.1 200 OK\r\n\r\n', '5\r\nhello\r\n', '0\r\n\r\n', ECHO), fc.string()),
    )
    .map((list) => Buffer.from(list.join(''), 'latin1'));
  const anything = fc.oneof(
    parts,
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  );

  /** One byte of a good answer is another one. */
  const altered = fc.tuple(fc.nat(ECHO.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(ECHO, 'latin1');
    bytes[at] = byte;
    return bytes;
  });

  test('it is a verdict, a failure or broken, and the same in whatever pieces it comes', async () => {
    const cuts = fc.array(fc.nat(600), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, altered), cuts, async (bytes, places) => {
        const whole = await outcomeOf([bytes]);
        const at = [0, ...places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(await outcomeOf(pieces.filter(({ length }) => length > 0))).toEqual(whole);
        if (typeof whole === 'string') expect(whole).toMatch(/^broken$|the ICAP server answered/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a good answer that is cut off anywhere never passes', async () => {
    for (let end = 0; end < ECHO.length; end++) expect(await outcome(ECHO.slice(0, end))).toBe('broken');
    expect(await outcome(ECHO)).toEqual({ verdict: 'pass' });
  });
});
