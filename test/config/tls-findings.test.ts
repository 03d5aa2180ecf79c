/** What the configuration asks of TLS, and what this process's OpenSSL can do. */
import { expect, test } from 'vitest';
import { postQuantumFindings } from '../../src/config/tls-findings.ts';

const unavailable = () => false;

test('required post-quantum keys that cannot be had are a mistake', () => {
  expect(postQuantumFindings({ postQuantum: 'required', tls: { profile: 'modern' } }, unavailable)).toEqual([
    { path: ['postQuantum'], message: expect.stringContaining('needs OpenSSL 3.5 or later') },
  ]);
});

test.each([{ postQuantum: 'preferred' }, { postQuantum: 'off', tls: 7 }, {}, null, 'text'])(
  'nothing is wrong with %o',
  (value) => {
    expect(postQuantumFindings(value, unavailable)).toEqual([]);
  },
);

test.each([{}, { tls: 'wrong' }, { tls: { profile: 'wrong' } }])('%o is checked with the default profile', (value) => {
  const asked: string[] = [];
  postQuantumFindings({ postQuantum: 'required', ...value }, (profile) => asked.push(profile) > 0);
  expect(asked).toEqual(['intermediate']);
});
