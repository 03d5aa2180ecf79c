/** `GatewayParts.files`: a program does operations of every account's storage otherwise. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

test('what it puts in front of the storage is asked, under the account’s permissions', async () => {
  const asked: string[] = [];
  const gateway = await startGateway(
    {},
    {},
    {
      files: (files, account) =>
        decorate(files, {
          async makeDirectory(path) {
            asked.push(`${account} ${path}`);
            if (path === '/no') throw new Fault('BadName', { text: 'Not that one.' });
            await files.makeDirectory(path);
          },
        }),
    },
  );
  const client = await RawClient.login(gateway);
  expect(await client.send('MKD /no')).toBe('553 Not that one.');
  expect(await client.send('MKD /yes')).toMatch(/^257/);
  expect(asked).toEqual(['partner /no', 'partner /yes']);
  expect(readdirSync(gateway.home)).toEqual(['yes']);
});
