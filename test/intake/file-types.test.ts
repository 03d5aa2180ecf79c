import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FILE_TYPE_NAMES, type FileTypeName, HEAD_BYTES, looksLikeOneOf } from '../../src/intake/policy/file-types.ts';

const latin = (text: string) => Buffer.from(text, 'latin1');
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const local = (name: string) => Buffer.concat([hex('504b0304'), Buffer.alloc(26), latin(name), latin('data')]);
const X12 =
  'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*1253*^*00501*000000905*0*P*:~GS*';

/** Files that begin as their kinds do, with what else each may be taken for. */
const SAMPLES: readonly (readonly [FileTypeName, Buffer, readonly FileTypeName[]])[] = [
  ['pdf', latin('%PDF-1.7\n%\xe2\xe3'), []],
  ['pdf', Buffer.concat([hex('0d0a'), latin('%PDF-1.4\n\xff')]), []],
  ['zip', local('a.txt'), []],
  ['zip', Buffer.concat([hex('504b0506'), Buffer.alloc(18)]), []],
  ['docx', Buffer.concat([local('[Content_Types].xml'), local('word/document.xml')]), ['zip']],
  ['xlsx', Buffer.concat([local('[Content_Types].xml'), local('_rels/.rels'), local('xl/workbook.xml')]), ['zip']],
  ['pptx', local('ppt/presentation.xml'), ['zip']],
  ['ole', hex('d0cf11e0a1b11ae1 0000'), []],
  ['gzip', gzipSync('x'), []],
  ['7z', hex('377abcaf271c 0004'), []],
  ['zstd', zstdCompressSync('x'), []],
  ['xz', hex('fd377a585a00 0004'), []],
  ['bzip2', latin('BZh91AY&SY\x00'), []],
  ['tar', Buffer.concat([Buffer.alloc(257), latin('ustar\0'), Buffer.alloc(249)]), []],
  ['png', hex('89504e470d0a1a0a'), []],
  ['jpeg', hex('ffd8ffe0'), []],
  ['tiff', hex('49492a00'), []],
  ['tiff', hex('4d4d002a'), []],
  ['gif', Buffer.concat([latin('GIF89a'), hex('0100')]), []],
  ['xml', latin('<?xml version="1.0"?><a/>'), ['text']],
  ['xml', Buffer.from('\uFEFF<Order id="1">'), ['text']],
  ['xml', Buffer.concat([hex('fffe'), Buffer.from('<?xml version="1.0"?>', 'utf16le')]), []],
  ['json', latin('{"a": 1}'), ['text']],
  ['json', latin('\n[1]'), ['text']],
  ['text', Buffer.from('name;größe\r\n1\t2\n'), []],
  ['text', Buffer.alloc(0), []],
  ['edi-x12', latin(X12), ['text']],
  ['edifact', latin("UNA:+.? 'UNB+UNOA:1+"), ['text']],
  ['edifact', latin('UNB+UNOA:1+SENDER'), ['text']],
  ['hl7', latin('MSH|^~\\&|LAB|HOSP\r'), ['text']],
  ['dicom', Buffer.concat([Buffer.alloc(128), latin('DICM')]), []],
  ['pgp', latin('-----BEGIN PGP MESSAGE-----\n\n'), ['text']],
  ['pgp', hex('85020c03 0102'), []],
  ['pgp', hex('c1c04c03 0102'), []],
  ['pgp', hex('8c0d0409 0308'), []],
  ['age', latin('age-encryption.org/v1\n-> X25519 '), ['text']],
  ['age', latin('-----BEGIN AGE ENCRYPTED FILE-----\n'), ['text']],
  ['parquet', hex('50415231 15'), []],
];

test('every kind has a sample', () => {
  expect([...new Set(SAMPLES.map(([name]) => name))]).toEqual(FILE_TYPE_NAMES);
});

describe('a file looks like its kind and no other', () => {
  test.each(SAMPLES)('%s: %j', (name, file, others) => {
    const found = FILE_TYPE_NAMES.filter((one) => looksLikeOneOf([one], file, file.length));
    expect(found.sort()).toEqual([name, ...others].sort());
  });
});

test.each([
  ['a program', hex('7f454c4602010100')],
  ['a Windows program', latin('MZ\x90\x00')],
  ['a shell script', latin('#!/bin/sh\n')],
  ['a web page', latin('<!DOCTYPE html><html>')],
])('%s is none but text', (_, file) => {
  const found = FILE_TYPE_NAMES.filter((one) => looksLikeOneOf([one], file, file.length));
  expect(found.filter((name) => name !== 'text')).toEqual([]);
});

test('text that is cut within a character is text, unless that is all of it', () => {
  const cut = Buffer.from('grö').subarray(0, 3);
  expect(looksLikeOneOf(['text'], cut, HEAD_BYTES + 1)).toBe(true);
  expect(looksLikeOneOf(['text'], cut, cut.length)).toBe(false);
  expect(looksLikeOneOf(['text'], latin('a\x1b[2J'), 5)).toBe(false);
});

test('an ISA with a separator out of place is none', () => {
  expect(looksLikeOneOf(['edi-x12'], latin(X12.replace('*ZZ*SENDER', '*ZZ-SENDER')), 200)).toBe(false);
});
