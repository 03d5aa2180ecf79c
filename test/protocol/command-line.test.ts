import fc from 'fast-check';
import { expect, test } from 'vitest';
import { looksLikeHttp, parseCommandLine } from '../../src/protocol/command-line.ts';

test.each([
  [''],
  [' '],
  [' NOOP'],
  ['\tNOOP'],
  ['NOOP\t'],
  ['USER\talice'],
  ['123'],
  ['3USER alice'],
  ['XMD\u0665 a'],
  ['TOOLONGAVERBX'],
  ['ÜSER alice'],
  ['\u017fTOR a'],
  ['\ufeffUSER alice'],
])('a line that does not begin with a verb is refused: %j', (text) => {
  expect(parseCommandLine(text)).toBeUndefined();
});

test.each([
  ['NOOP', 'NOOP', ''],
  ['noop', 'NOOP', ''],
  ['NOOP ', 'NOOP', ''],
  ['PASS  two spaces ', 'PASS', ' two spaces '],
  ['STOR   foo.bar', 'STOR', '  foo.bar'],
  ['a b', 'A', 'b'],
  ['ABCDEFGHIJKL x', 'ABCDEFGHIJKL', 'x'],
  ['xsha256 a.txt', 'XSHA256', 'a.txt'],
  ['CWD \u2028x', 'CWD', '\u2028x'],
])('a line is taken apart: %j', (text, verb, argument) => {
  expect(parseCommandLine(text)).toEqual({ verb, argument });
});

test('any verb and any argument come back, and no text makes the parser throw', () => {
  const verb = fc.stringMatching(/^[A-Z][A-Z0-9]{0,11}$/);
  fc.assert(
    fc.property(verb, fc.string({ unit: 'binary' }), (v, argument) => {
      expect(parseCommandLine(`${v} ${argument}`)).toEqual({ verb: v, argument });
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parsed = parseCommandLine(text);
      if (parsed !== undefined) expect(text.toUpperCase().startsWith(parsed.verb)).toBe(true);
      looksLikeHttp(text);
    }),
  );
});

test.each([
  ['GET / HTTP/1.1'],
  ['get / http/1.0'],
  ['POST /upload?x=1 HTTP/1.1'],
  ['PUT /a b HTTP/1.1'],
  ['OPTIONS * HTTP/1.1'],
  ['PRI * HTTP/2.0'],
  ['GET /'],
  ['Host: ftp.example.org:21'],
  ['host:x'],
  ['X-Requested-With: XMLHttpRequest'],
  ['Content-Length: 10'],
])('a line of HTTP is recognised: %j', (text) => {
  expect(looksLikeHttp(text)).toBe(true);
});

test.each([
  ['NOOP'],
  ['USER GET / HTTP/1.1'],
  ['RETR notes on HTTP/1.1'],
  ['OPTS UTF8 ON'],
  ['DELE a:b'],
  ['STOR Host: x'],
  ['SITE UTIME a 20260101000000 20260101000000 20260101000000 UTC'],
  ['GET'],
  [''],
])('a line of FTP is not taken for HTTP: %j', (text) => {
  expect(looksLikeHttp(text)).toBe(false);
});
