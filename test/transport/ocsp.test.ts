/** Answers of OCSP, made by openssl: which are passed on, and every reason for which one is not. */
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect } from 'vitest';
import {
  checkOcspResponse,
  OcspRefused,
  type OcspSubject,
  ocspRequest,
  ocspResponder,
} from '../../src/transport/ocsp.ts';
import { needs } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import {
  AUTHORITY,
  type OcspWish,
  type OpensslPair,
  ocspAnswer,
  openssl,
  opensslPair,
  serverExtensions,
} from '../fixtures/openssl-certificates.ts';

const test = needs('openssl');

let folder: string;
let authority: OpensslPair;
let leaf: OpensslPair;
let subject: OcspSubject;

const RESPONDER = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=OCSPSigning'];

beforeAll(async () => {
  folder = await lastingFolder();
  authority = await opensslPair(folder, 'authority', { extensions: AUTHORITY, key: 'rsa' });
  leaf = await opensslPair(folder, 'leaf', { issuer: authority });
  subject = { certificate: new X509Certificate(leaf.cert), issuer: new X509Certificate(authority.cert) };
}, 60_000);

async function answer(wish: Partial<OcspWish> = {}): Promise<Buffer> {
  return ocspAnswer(folder, leaf, { issuer: authority, minutes: 60, ...wish });
}

/** Why an answer is not passed on. */
function whyNot(response: Buffer, about = subject, nowMs = Date.now()): string {
  try {
    checkOcspResponse(response, about, nowMs);
    return 'it is passed on';
  } catch (error) {
    if (error instanceof OcspRefused) return `${error.revoked ? 'REVOKED: ' : ''}${error.message}`;
    throw error;
  }
}

test('an answer that says revoked, or that the certificate is not known', async () => {
  expect(whyNot(await answer({ status: 'revoked' }))).toBe('REVOKED: says that the certificate is revoked');
  expect(whyNot(await answer({ status: 'unknown' }))).toBe('says that the certificate is not known');
});

test('an answer that does not hold any more, not yet, or does not say until when', async () => {
  const good = await answer();
  const hour = 3_600_000;
  expect(whyNot(good, subject, Date.now() + 2 * hour)).toMatch(/^held only until \d{4}-/);
  expect(whyNot(good, subject, Date.now() - hour)).toMatch(/^holds only from \d{4}-/);
  expect(whyNot(await answer({ minutes: undefined }))).toBe('does not say until when it holds (nextUpdate)');
});

test('an answer about another certificate, or one that another authority issued', async () => {
  const other = await opensslPair(folder, 'other', { issuer: authority });
  const aboutOther = await ocspAnswer(folder, other, { issuer: authority, minutes: 60 });
  expect(whyNot(aboutOther)).toBe('is about another certificate');
  const stranger = await opensslPair(folder, 'stranger', { extensions: AUTHORITY });
  expect(whyNot(await answer({ signer: stranger }))).toMatch(/not entrusted with it$/);
  expect(whyNot(await answer({ signer: stranger, more: ['-resp_no_certs'] }))).toBe(
    'is not signed by the authority that issued the certificate',
  );
});

test('an answer of somebody whom the authority has not entrusted with it', async () => {
  const plain = await opensslPair(folder, 'plain', { issuer: authority });
  expect(whyNot(await answer({ signer: plain }))).toBe(
    'is signed by somebody whom the authority has not entrusted with it',
  );
  const itself = await opensslPair(folder, 'responder-itself', { extensions: RESPONDER });
  expect(whyNot(await answer({ signer: itself }))).toMatch(/not entrusted with it$/);
  const brief = await opensslPair(folder, 'brief', { issuer: authority, extensions: RESPONDER, days: 1 });
  const later = Date.now() + 25 * 3_600_000;
  expect(whyNot(await answer({ signer: brief, minutes: 60 * 48 }), subject, later)).toBe(
    'is signed with a certificate that is not valid now',
  );
});

test('an answer that was changed, or signed with SHA-1', async () => {
  const good = await answer();
  const at = good.indexOf(Buffer.from(/20\d{12}Z/.exec(good.toString('latin1'))?.[0] ?? '', 'latin1'));
  const changed = Buffer.from(good);
  changed.writeUInt8(0x31, at + 3);
  expect(whyNot(changed)).toBe('has a signature that is wrong, or of a kind that is not accepted');
  expect(whyNot(await answer({ more: ['-rmd', 'sha1'] }))).toMatch(/^has a signature that is wrong, or of a kind/);
});

test('a failure in place of an answer', () => {
  expect(whyNot(Buffer.from('30030a0103', 'hex'))).toBe('is the failure tryLater instead of an answer');
  expect(whyNot(Buffer.from('30030a0106', 'hex'))).toBe('is the failure unauthorized instead of an answer');
});

test('arbitrary bytes, and answers with arbitrary changes, are refused', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(whyNot(Buffer.from(bytes))).not.toBe('it is passed on');
    }),
  );
  const good = await answer({ more: ['-resp_no_certs'] });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
      const bytes = Buffer.from(good);
      bytes.writeUInt8(bytes.readUInt8(place) ^ change, place);
      expect(whyNot(bytes)).not.toBe('it is passed on');
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['rsa', ['-rmd', 'sha256']],
  ['rsa', ['-rmd', 'sha512', '-resp_key_id']],
  ['rsa', ['-rmd', 'sha384', '-rsigopt', 'rsa_padding_mode:pss']],
  ['ec', ['-rmd', 'sha256']],
  ['p384', ['-rmd', 'sha384', '-resp_key_id']],
] as const)('a good answer of a delegate with %s and %s is passed on', async (key, more) => {
  const delegate = await opensslPair(folder, 'delegate', { issuer: authority, extensions: RESPONDER, key });
  const response = await answer({ signer: delegate, more });
  expect(whyNot(response)).toBe('it is passed on');
  const { thisUpdateMs, nextUpdateMs } = checkOcspResponse(response, subject, Date.now());
  expect(nextUpdateMs - thisUpdateMs).toBe(3_600_000);
});

test('a good answer of the authority itself is passed on', async () => {
  expect(whyNot(await answer())).toBe('it is passed on');
});

test('the question is what openssl would ask, and it answers it', async () => {
  const [mine, theirs] = [join(folder, 'mine.der'), join(folder, 'theirs.der')];
  await writeFile(mine, ocspRequest(subject));
  await openssl('ocsp', '-issuer', authority.certFile, '-cert', leaf.certFile, '-no_nonce', '-reqout', theirs);
  const text = async (file: string) => openssl('ocsp', '-reqin', file, '-req_text');
  expect(await text(mine)).toBe(await text(theirs));
});

test('the responder is the one over http that the certificate names', async () => {
  const access =
    'authorityInfoAccess=OCSP;URI:ldap://a.example/x,OCSP;URI:http://ocsp.example/a?b,caIssuers;URI:http://x.example';
  const made = await opensslPair(folder, 'access', { extensions: [...serverExtensions(), access] });
  expect(ocspResponder(new X509Certificate(made.cert))).toBe('http://ocsp.example/a?b');
  expect(ocspResponder(subject.certificate)).toBe(undefined);
});
