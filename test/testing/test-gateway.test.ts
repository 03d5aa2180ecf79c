/** `startTestGateway`: what somebody who tests an FTPS client gets, with that client. */
import { Readable, Writable } from 'node:stream';
import { Client } from 'basic-ftp';
import { expect, test } from 'vitest';
import { startTestGateway, virtualPath } from '../../src/testing.ts';

async function connect(to: {
  host: string;
  port: number;
  user: string;
  password: string;
  ca: string;
}): Promise<Client> {
  const client = new Client();
  const { host, port, user, password, ca } = to;
  await client.access({ host, port, user, password, secure: true, secureOptions: { ca } });
  return client;
}

test('a client stores a file and fetches another, and the test looks at both', async () => {
  await using gateway = await startTestGateway();
  const client = await connect(gateway);
  await client.uploadFrom(Readable.from(['a,b']), 'report.csv');
  expect(gateway.files.bytesOf(virtualPath('/report.csv'))?.toString()).toBe('a,b');
  gateway.files.put(virtualPath('/out/answer.txt'), 'forty-two');
  const pieces: Buffer[] = [];
  const sink = new Writable({
    write: (piece, _encoding, done) => {
      pieces.push(piece);
      done();
    },
  });
  await client.downloadTo(sink, '/out/answer.txt');
  expect(Buffer.concat(pieces).toString()).toBe('forty-two');
  client.close();
});

test('a wrong password and what the letters do not allow are refused', async () => {
  await using gateway = await startTestGateway({ permissions: 'elr', user: 'reader', password: 'other' });
  await expect(connect({ ...gateway, password: 'wrong' })).rejects.toThrow(/^530/);
  const client = await connect(gateway);
  await expect(client.uploadFrom(Readable.from(['x']), 'a.txt')).rejects.toThrow(/^550/);
  client.close();
});

test('options of the gateway can be changed, and two gateways share nothing', async () => {
  await using one = await startTestGateway({ options: { banner: 'One.' } });
  await using two = await startTestGateway({ options: { banner: 'Two.' } });
  const client = new Client();
  const greeting = await client.connect(two.host, two.port);
  expect(greeting.message).toBe('220 Two.');
  client.close();
  one.files.put(virtualPath('/a.txt'), '');
  expect(two.files.files).toEqual([]);
});

test('letters that are none are told', async () => {
  await expect(startTestGateway({ permissions: 'xyz' })).rejects.toThrow(/xyz/);
});
