/** Notes, checkpoints, cosignatures and keys, against C2SP's examples. */
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from '../../src/audit/notes/checkpoint.ts';
import { cosignedMessage, cosignedSeconds, TYPE_COSIGNATURE, witnessKey } from '../../src/audit/notes/cosignature.ts';
import { publicBytesOf } from '../../src/audit/notes/ed25519.ts';
import { signNote } from '../../src/audit/notes/log-key.ts';
import {
  ed25519NoteKey,
  formatNote,
  formatVkey,
  keyId,
  NoteRefused,
  parseNote,
  parseVkey,
  signatureLine,
  verifyNote,
} from '../../src/audit/notes/signed-note.ts';
import { keyFrom, ORIGIN, SIGNER } from './writer-parts.ts';

/** The example of c2sp.org/signed-note. */
const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const NOTE = `This is an example message.

\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

/** The examples of c2sp.org/tlog-cosignature and c2sp.org/signed-note: no keys are given for them. */
const COSIGNED = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;
const POEM = `Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
`;

const exampleKey = () => {
  const { name, key } = parseVkey(VKEY);
  return ed25519NoteKey(name, key);
};

describe('a note is refused', () => {
  test.each([
    ['without signatures', 'text\n'],
    ['that ends in mid-line', NOTE.slice(0, -1)],
    ['with a control character', NOTE.replace('This', 'Th\tis')],
    ['with a carriage return', NOTE.replace('message.\n', 'message.\r\n')],
    ['with a hyphen for the dash', NOTE.replace('\u2014', '-')],
    ['with an empty key name', NOTE.replace('example.com/foo', '')],
    ['with a plus in the key name', NOTE.replace('example.com/foo', 'example+foo')],
    ['with another space in the key name', NOTE.replace('example.com/foo', 'example\u2003foo')],
    ['with a signature without bytes', NOTE.replace(/Uw2Q\S+/, 'Uw2QOg==')],
    ['with base64 that is not in its proper form', NOTE.replace('yaQM=', 'yaQN=')],
    ['with a lone surrogate', NOTE.replace('This', 'Th\ud800')],
    [
      'with more signatures than anybody needs',
      `${NOTE}${NOTE.split('\n')[2]}\n`.repeat(1) + `${NOTE.split('\n')[2]}\n`.repeat(300),
    ],
    ['that is too long', `${'a'.repeat(1_000_001)}${NOTE}`],
  ])('%s', (_why, note) => {
    expect(() => parseNote(note)).toThrow(NoteRefused);
  });

  test('signed by none of the keys', () => {
    expect(() => verifyNote(parseNote(NOTE), [])).toThrow('none of the keys');
    const same = { ...exampleKey(), id: 1 };
    expect(() => verifyNote(parseNote(NOTE), [same])).toThrow('none of the keys');
    expect(() => verifyNote(parseNote(NOTE), [{ ...exampleKey(), name: 'other' }])).toThrow('none of the keys');
  });

  test('with any byte of the text changed', () => {
    fc.assert(
      fc.property(fc.nat(26), fc.integer({ min: 33, max: 126 }), (at, code) => {
        fc.pre(NOTE.charCodeAt(at) !== code);
        const changed = NOTE.slice(0, at) + String.fromCharCode(code) + NOTE.slice(at + 1);
        expect(() => verifyNote(parseNote(changed), [exampleKey()])).toThrow(NoteRefused);
      }),
    );
  });

  test('when a signature of a known key is wrong, whatever else is right', () => {
    const other = keyFrom('other');
    const key = publicBytesOf(other);
    const line = signatureLine('other', keyId('other', 1, key), sign(null, Buffer.from('something else\n'), other));
    const note = parseNote(`${NOTE}${line}`);
    expect(() => verifyNote(note, [exampleKey(), ed25519NoteKey('other', key)])).toThrow('signature of other');
    expect(verifyNote(note, [exampleKey()])).toHaveLength(1);
  });
});

describe('a note is taken', () => {
  test('the example of the specification', () => {
    const [signature] = verifyNote(parseNote(NOTE), [exampleKey()]);
    expect(signature?.name).toBe('example.com/foo');
    expect(parseNote(NOTE).text).toBe('This is an example message.\n');
  });

  test('with empty lines in its text', () => {
    const { text, signatures } = parseNote(POEM);
    expect(text.endsWith('sera.\n')).toBe(true);
    expect(signatures.map(({ name }) => name)).toEqual(['quasimodo.example/salvatore']);
  });

  test('of any text, and no other text', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\x00-\x1f]/g, ''));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const text = `${lines.join('\n')}\n`;
        const note = parseNote(signNote(text, SIGNER));
        expect(note.text).toBe(text);
        const { name, key } = parseVkey(SIGNER.vkey);
        expect(verifyNote(note, [ed25519NoteKey(name, key)])).toHaveLength(1);
      }),
    );
  });
});

describe('a verifier key', () => {
  test.each([
    ['nothing', ''],
    ['another id', VKEY.replace('530d903a', '530d903b')],
    ['capital digits', VKEY.replace('530d903a', '530D903A')],
    ['another name', VKEY.replace('foo', 'bar')],
    ['bytes that are not base64', `${VKEY.slice(0, -1)}!`],
  ])('is refused with %s', (_why, vkey) => {
    expect(() => parseVkey(vkey)).toThrow(NoteRefused);
  });

  test('comes out as it went in', () => {
    const { name, type, key } = parseVkey(VKEY);
    expect(formatVkey(name, type, key)).toBe(VKEY);
  });
});

describe('a checkpoint', () => {
  const root = Buffer.alloc(32, 7);

  test.each([
    ['an empty origin', '\n5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n'],
    ['a leading zero', 'log\n05\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n'],
    ['a sign', 'log\n+5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n'],
    ['a size above 2^53', 'log\n9007199254740992\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n'],
    ['a short root', 'log\n5\nBwc=\n'],
    ['an empty extension', 'log\n5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n'],
    ['two lines', 'log\n5\n'],
  ])('is refused with %s', (_why, text) => {
    expect(() => parseCheckpoint(text)).toThrow(NoteRefused);
  });

  test('is refused under the key of another log', () => {
    const note = signNote(formatCheckpoint({ origin: 'another.example', size: 5, root }), SIGNER);
    expect(() => openCheckpoint(note, [SIGNER.vkey])).toThrow('none of the keys');
  });

  test('is refused under a key that is not for checkpoints', () => {
    const witness = formatVkey('w', TYPE_COSIGNATURE, publicBytesOf(keyFrom('w')));
    const note = signNote(formatCheckpoint({ origin: ORIGIN, size: 5, root }), SIGNER);
    expect(() => openCheckpoint(note, [witness])).toThrow('not one of Ed25519 signatures');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' });
    expect(() => openCheckpoint(note, [rsa.toString()])).toThrow('not an Ed25519 public key');
  });

  test('is read under its vkey, and under its key as PEM', async () => {
    const { createPublicKey } = await import('node:crypto');
    const note = signNote(formatCheckpoint({ origin: ORIGIN, size: 5, root }), SIGNER);
    const pem = createPublicKey(keyFrom('log')).export({ format: 'pem', type: 'spki' }).toString();
    for (const key of [SIGNER.vkey, `${SIGNER.vkey}\n`, pem]) {
      expect(openCheckpoint(note, [key])).toMatchObject({ origin: ORIGIN, size: 5, extensions: [] });
    }
  });

  test('the example of the specification is one', () => {
    expect(parseCheckpoint(parseNote(COSIGNED).text)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20852163,
    });
  });
});

describe('a cosignature', () => {
  const witness = keyFrom('witness');
  const vkey = formatVkey('w.example/1', TYPE_COSIGNATURE, publicBytesOf(witness));
  const text = formatCheckpoint({ origin: ORIGIN, size: 5, root: Buffer.alloc(32, 7) });

  const cosigned = (seconds: bigint, signedSeconds = seconds) => {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(seconds);
    return Buffer.concat([time, sign(null, cosignedMessage(text, signedSeconds), witness)]);
  };

  test('is refused with another time than was signed, another length, or a time beyond 2^63', () => {
    const key = witnessKey(vkey);
    expect(key.verifies(text, cosigned(5n, 6n))).toBe(false);
    expect(key.verifies(text, cosigned(5n).subarray(1))).toBe(false);
    expect(key.verifies(text, cosigned(2n ** 63n))).toBe(false);
    expect(key.verifies(text.replace('5', '6'), cosigned(5n))).toBe(false);
  });

  test('is refused from a key of another kind', () => {
    expect(() => witnessKey(formatVkey('w', 6, Buffer.alloc(1312)))).toThrow('neither');
    expect(() => witnessKey(formatVkey('w', TYPE_COSIGNATURE, Buffer.alloc(31)))).toThrow('neither');
  });

  test('is taken with its time, and as a plain signature', () => {
    expect(witnessKey(vkey).verifies(text, cosigned(1_679_315_147n))).toBe(true);
    const plain = witnessKey(formatVkey('w.example/1', 1, publicBytesOf(witness)));
    expect(plain.verifies(text, sign(null, Buffer.from(text), witness))).toBe(true);
    expect(plain.verifies(text, cosigned(5n))).toBe(false);
  });

  test('its message and its time are those of the specification', () => {
    const note = parseNote(COSIGNED);
    expect(cosignedSeconds(note.signatures[1]?.signature ?? Buffer.alloc(0))).toBe(1_679_315_147n);
    expect(cosignedMessage(note.text, 1_679_315_147n).toString()).toBe(
      'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
    );
  });

  test('stands in the note of a checkpoint beside the log', () => {
    const line = signatureLine('w.example/1', witnessKey(vkey).id, cosigned(7n));
    const note = formatNote(text, [...parseNote(signNote(text, SIGNER)).signatures.map((one) => one.line), line]);
    expect(openCheckpoint(note, [SIGNER.vkey]).size).toBe(5);
    expect(verifyNote(parseNote(note), [witnessKey(vkey)])).toHaveLength(1);
  });
});
