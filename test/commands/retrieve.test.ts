import { expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import { FakeDataPort, TLS } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { type Scene, say } from '../fakes/say.ts';

const TEXT = 'forty bytes of text, on one line, or so.\n';

async function retrieve(
  scene: Scene = {},
  prepare: (data: FakeDataPort, files: MemoryFiles) => void = () => undefined,
) {
  const data = new FakeDataPort();
  const files = new MemoryFiles().put('/a.txt', TEXT);
  prepare(data, files);
  const answer = await say('RETR a.txt', { files, data, ...scene });
  // However it ends, the file is closed.
  expect(files.openFiles).toBe(0);
  return { ...answer, data };
}

test.each([
  ['Aborted', '426 Transfer aborted.'],
  ['ConnectionLost', '426 The data connection was lost before everything was sent.'],
  ['Stalled', '426 The data connection stood still for too long.'],
] as const)('a download that ends in %s says nothing of publishing', async (kind, reply) => {
  const { text, data } = await retrieve({}, ({ connection }) => connection.failures.plan('write', 2, new Fault(kind)));
  expect(text).toBe(reply);
  expect(data.connection.state).toBe('destroyed');
});

test('a disk that fails on the way ends the download without the end of data', async () => {
  const { code, data } = await retrieve({}, (_data, files) => files.failures.plan('read', 2, new Fault('Local')));
  expect(code).toBe(451);
  expect(data.connection.state).toBe('destroyed');
});

test.each(['CannotConnect', 'DataTlsFailed', 'ReuseRequired'] as const)('%s is passed on', async (kind) => {
  const { text, marks } = await retrieve({}, (data) => data.failures.plan('open', 1, new Fault(kind)));
  expect(text).toContain(new Fault(kind).text);
  expect(marks).toHaveLength(1);
});

test('a file is sent whole, and the log hears of it', async () => {
  const { text, marks, notes, data } = await retrieve();
  expect(marks).toEqual(['150 Sending the file (41 bytes).']);
  expect(text).toBe('226 Sent 41 bytes.');
  expect(data.calls).toEqual(['open send']);
  expect(data.connection.received).toBe(TEXT);
  expect(data.connection.state).toBe('finished');
  expect(notes).toMatchObject({ path: '/a.txt', bytes: 41, dataBytes: 41, dataTls: TLS });
});

test.each([
  [40, '\n'],
  [41, ''],
])('from byte %i on, %j is sent', async (restartBytes, rest) => {
  const { marks, data } = await retrieve({ session: { restartBytes } });
  expect(marks).toEqual([`150 Sending the file (${rest.length} bytes).`]);
  expect(data.connection.received).toBe(rest);
});

test('with TYPE A no length is promised', async () => {
  const { text, marks, data } = await retrieve({ session: { type: 'A' } });
  expect(marks).toEqual(['150 Sending the file.']);
  expect(text).toBe('226 Sent 42 bytes.');
  expect(data.connection.received).toBe(TEXT.replace('\n', '\r\n'));
});
