import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { validate } from '../../src/config/validate.ts';
import { parseYaml } from '../../src/config/yaml-source.ts';

test('the partner intake of the examples is a right configuration', () => {
  const text = readFileSync(new URL('../../examples/partner-intake.yaml', import.meta.url), 'utf8');
  const source = parseYaml('partner-intake.yaml', text);
  expect(source.problems).toEqual([]);
  expect(validate(source, gatewayOptions)).toMatchObject({
    ok: true,
    value: {
      users: [
        { name: 'acme', directories: [{ intake: { profile: 'inbox' } }, { intake: { profile: 'outbox' } }] },
        { name: 'globex', sessionReuse: 'off', directories: [{ intake: { profile: 'drop' } }] },
        { name: 'collector' },
      ],
      tlsControlRequired: true,
      tlsDataRequired: true,
    },
  });
});
