import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';

const PASSWORD = 'correct horse';

test.each([
  ['String()', (secret: Secret) => String(secret)],
  ['a template', (secret: Secret) => `${secret}`],
  ['concatenation', (secret: Secret) => 'x'.concat(secret as unknown as string)],
  ['JSON', (secret: Secret) => JSON.stringify({ nested: [secret] })],
  ['inspect', (secret: Secret) => inspect({ nested: { secret } }, { depth: 9, showHidden: true })],
  ['format %s', (secret: Secret) => format('%s', secret)],
  ['format %o', (secret: Secret) => format('%o', secret)],
  ['format %j', (secret: Secret) => format('%j', secret)],
  ['its own properties', (secret: Secret) => JSON.stringify(Object.getOwnPropertyDescriptors(secret))],
  ['a copy', (secret: Secret) => JSON.stringify({ ...secret })],
])('%s does not print the secret', (_, print) => {
  expect(print(new Secret(PASSWORD))).not.toContain(PASSWORD);
});

test('what is printed says that something was withheld', () => {
  const secret = new Secret(PASSWORD);
  expect([`${secret}`, JSON.stringify(secret), inspect(secret)]).toEqual(['[secret]', '"[secret]"', '[secret]']);
});

test('a structured clone does not carry the secret', () => {
  expect(inspect(structuredClone(new Secret(PASSWORD)))).not.toContain(PASSWORD);
});

test('the secret can be revealed', () => {
  expect(new Secret(PASSWORD).reveal()).toBe(PASSWORD);
});
