/**
 * A test of one's own FTPS client: a real gateway on a free port, with a certificate made for the test and its files in
 * memory. `sendReport` stands for the program that is to be tested; it happens to use basic-ftp.
 *
 * Run: `node --test test-your-client.test.ts`.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Client } from 'basic-ftp';
import { startTestGateway, type TestGateway, virtualPath } from 'sallyport/testing';

async function sendReport({ host, port, user, password, ca }: TestGateway, report: string): Promise<void> {
  const client = new Client();
  try {
    await client.access({ host, port, user, password, secure: true, secureOptions: { ca } });
    await client.uploadFrom(Readable.from([report]), 'incoming.tmp');
    await client.rename('incoming.tmp', 'report.csv');
  } finally {
    client.close();
  }
}

test('the report arrives under its own name', async () => {
  await using gateway = await startTestGateway();
  await sendReport(gateway, 'a,b');
  assert.equal(gateway.files.bytesOf(virtualPath('/report.csv'))?.toString(), 'a,b');
  assert.deepEqual(gateway.files.files, ['/report.csv']);
});

test('a partner that may not store files is told so', async () => {
  await using gateway = await startTestGateway({ permissions: 'elr' });
  await assert.rejects(sendReport(gateway, 'a,b'), /550/);
});

test('a server that is full is not taken for one that has the file', async () => {
  const noRoom = { uploadBytesMax: 2 };
  await using gateway = await startTestGateway({ options: { limits: noRoom } });
  await assert.rejects(sendReport(gateway, 'a,b'), /552/);
  assert.deepEqual(gateway.files.files, []);
});
