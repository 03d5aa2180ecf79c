/** `GET /metrics`, asked over real sockets: who gets an answer, and whether its numbers are what has happened. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createGateway } from '../../src/server/gateway.ts';
import type { Gateway } from '../../src/server/gateway-parts.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { replyTo } from '../fixtures/log-in.ts';

const ON = { metrics: { port: 0 } };

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function portOf({ metricsAddress }: Gateway): number {
  return metricsAddress?.port ?? 0;
}

async function ask(gateway: Gateway, { method = 'GET', path = '/metrics', body = '' } = {}): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port: portOf(gateway), method, path });
  asked.end(body);
  const answered = new Promise<IncomingMessage>((resolve, reject) => asked.on('response', resolve).on('error', reject));
  const response = await answered;
  const text = (await response.setEncoding('utf8').toArray()).join('');
  return { status: response.statusCode, headers: response.headers, text };
}

/** What is scraped, by name with labels. */
async function numbers(gateway: Gateway): Promise<ReadonlyMap<string, number>> {
  const { text } = await ask(gateway);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

test('without the option nothing listens but what listens for FTP', async () => {
  const { gateway } = await startGateway();
  expect(gateway.metricsAddress).toBeUndefined();
  expect(gateway.addresses).toHaveLength(1);
});

test.each([
  ['another path', { path: '/' }, 404],
  ['a path that only begins so', { path: '/metrics/x' }, 404],
  ['another method there', { path: '/', method: 'POST' }, 404],
  ['POST', { method: 'POST', body: 'x'.repeat(1_000) }, 405],
  ['DELETE', { method: 'DELETE' }, 405],
])('%s is refused', async (_, asked, status) => {
  const { gateway } = await startGateway(ON);
  const answer = await ask(gateway, asked);
  expect(answer.status).toBe(status);
  expect(answer.text).not.toContain('sallyport_');
  expect(answer.headers.allow).toBe(status === 405 ? 'GET, HEAD' : undefined);
});

test('a port that is taken keeps the gateway from starting, and nothing listens then', async () => {
  const { gateway, certificates } = await startGateway(ON);
  const second = createGateway({
    listen: [{ port: 0 }],
    tls: { certificate: certificates.cert, key: certificates.key },
    metrics: { port: portOf(gateway) },
  });
  await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE', port: portOf(gateway) });
  expect([second.addresses, second.metricsAddress]).toEqual([[], undefined]);
});

test('connections beyond the sixteenth are dropped', async () => {
  const { gateway } = await startGateway(ON);
  const socketOf = async () => {
    const socket = connect(portOf(gateway), '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  for (let held = 0; held < 16; held++) await socketOf();
  const extra = await socketOf();
  extra.resume();
  await once(extra, 'close');
  await expect(ask(gateway)).rejects.toThrow();
});

test('it stops with the gateway, whoever holds a connection, and listens again when that starts again', async () => {
  const { gateway } = await startGateway(ON);
  const port = portOf(gateway);
  const idle = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(idle, 'connect');
  // Answered behind it, so the server knows of the idle one.
  await ask(gateway);
  const dropped = once(idle.resume(), 'close');
  await gateway.close();
  await dropped;
  expect(gateway.metricsAddress).toBeUndefined();
  const refused = connect(port, '127.0.0.1');
  await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await gateway.start();
  expect((await ask(gateway)).status).toBe(200);
});

test('it goes on when the gateway only stops listening, and a second start leaves it where it is', async () => {
  const { gateway } = await startGateway(ON);
  const before = gateway.metricsAddress;
  gateway.stopListening();
  expect((await ask(gateway)).status).toBe(200);
  await gateway.start();
  expect(gateway.metricsAddress).toEqual(before);
});

test('the answer is in the form of Prometheus, to HEAD without its text, and may not be kept open', async () => {
  const { gateway } = await startGateway(ON);
  const answer = await ask(gateway, { path: '/metrics?x=1' });
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', connection: 'close' },
  });
  expect(answer.text).toMatch(/^# HELP sallyport_logins_total .+\n# TYPE sallyport_logins_total counter\n/);
  expect(await ask(gateway, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
});

test('before anything has happened the numbers that matter are there', async () => {
  const { gateway } = await startGateway(ON);
  const seen = await numbers(gateway);
  expect(seen.get('sallyport_sessions')).toBe(0);
  expect(seen.get('sallyport_logins_total{result="failed"}')).toBe(0);
  expect(seen.get('sallyport_transfers_total{direction="upload",result="failed"}')).toBe(0);
  expect(seen.get('sallyport_transfer_bytes_total{direction="upload"}')).toBe(0);
});

test('a certificate has the second in which it ends', async () => {
  const { gateway } = await startGateway(ON);
  const seen = [...(await numbers(gateway))].filter(([name]) => name.startsWith('sallyport_certificate'));
  const [certificate] = gateway.certificates;
  expect(seen).toEqual([
    [
      `sallyport_certificate_not_after_seconds{host="",names="${certificate?.names.join(', ')}",kind="${certificate?.keyKind}"}`,
      Math.floor((certificate?.notAfterMs ?? 0) / 1_000),
    ],
  ]);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s what happened is counted, and nobody is named', async (version) => {
  const started = await startGateway(ON);
  const { gateway } = started;
  expect(await replyTo(started, 'partner', 'a wrong one')).toMatch(/^530/);
  const client = await RawClient.login(started, { version });
  expect(await client.upload('STOR secret-plan', 'x'.repeat(1_234))).toMatch(/^226/);
  expect((await client.download('RETR secret-plan')).data).toHaveLength(1_234);
  const listing = (await client.download('MLSD')).data;
  expect(await client.send('RETR nothing')).toMatch(/^4|^5/);
  await expect.poll(() => gateway.sessionCount).toBe(1);

  const seen = await numbers(gateway);
  const expected = {
    sallyport_sessions: 1,
    sallyport_sessions_logged_in: 1,
    'sallyport_logins_total{result="ok"}': 1,
    'sallyport_logins_total{result="failed"}': 1,
    'sallyport_transfers_total{direction="upload",result="ok"}': 1,
    'sallyport_transfers_total{direction="upload",result="failed"}': 0,
    'sallyport_transfers_total{direction="download",result="ok"}': 1,
    'sallyport_transfers_total{direction="download",result="failed"}': 0,
    'sallyport_transfers_total{direction="listing",result="ok"}': 1,
    'sallyport_transfer_bytes_total{direction="upload"}': 1_234,
    'sallyport_transfer_bytes_total{direction="download"}': 1_234,
    'sallyport_transfer_bytes_total{direction="listing"}': listing.length,
    'sallyport_commands_total{class="write",result="ok"}': 1,
    'sallyport_commands_total{class="read",result="ok"}': 1,
    'sallyport_commands_total{class="read",result="failed"}': 1,
    [`sallyport_tls_handshakes_total{channel="data",version="${version}",resumed="true"}`]: 3,
    'sallyport_tls_failures_total{channel="control"}': 0,
    'sallyport_tls_failures_total{channel="data"}': 0,
  };
  expect(Object.fromEntries([...seen].filter(([name]) => name in expected))).toEqual(expected);
  const control = [...seen].filter(([name]) => name.startsWith('sallyport_tls_handshakes_total{channel="control"'));
  expect(control.reduce((sum, [, count]) => sum + count, 0)).toBe(2);

  const { text } = await ask(gateway);
  for (const name of ['partner', 'secret-plan', started.home, '127.0.0.1:']) expect(text).not.toContain(name);
});

test('an upload that is cut off has failed, with the bytes that came', async () => {
  const started = await startGateway(ON);
  const client = await RawClient.login(started);
  const socket = await client.passive();
  expect(await client.send('STOR a')).toMatch(/^150/);
  const data = client.secure(socket);
  await new Promise<void>((resolve) => data.write('x'.repeat(1_000), () => resolve()));
  await expect.poll(() => started.gateway.sessions[0]?.transfer?.bytesMoved).toBe(1_000);
  socket.destroy();
  expect(await client.reply()).toMatch(/^426/);
  const seen = await numbers(started.gateway);
  expect(seen.get('sallyport_transfers_total{direction="upload",result="failed"}')).toBe(1);
  expect(seen.get('sallyport_transfers_total{direction="upload",result="ok"}')).toBe(0);
  expect(seen.get('sallyport_transfer_bytes_total{direction="upload"}')).toBe(1_000);
});

test('handshakes that fail are counted on either channel', async () => {
  const started = await startGateway(ON);
  const stranger = await RawClient.connect(started);
  expect(await stranger.send('AUTH TLS')).toMatch(/^234/);
  // A record of a handshake, by its header alone: anything else is an attack by clear text.
  stranger.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 5]), Buffer.from('hello')]));
  await stranger.end();
  const client = await RawClient.login(started);
  const socket = await client.passive();
  expect(await client.send('STOR a')).toMatch(/^150/);
  socket.write('this is no handshake\r\n');
  expect(await client.reply()).toMatch(/^[45]/);
  const seen = await numbers(started.gateway);
  expect(seen.get('sallyport_tls_failures_total{channel="control"}')).toBe(1);
  expect(seen.get('sallyport_tls_failures_total{channel="data"}')).toBe(1);
});

test('two gateways in one process count apart', async () => {
  const [busy, idle] = [await startGateway(ON), await startGateway(ON)];
  await RawClient.login(busy);
  expect((await numbers(busy.gateway)).get('sallyport_logins_total{result="ok"}')).toBe(1);
  expect((await numbers(idle.gateway)).get('sallyport_logins_total{result="ok"}')).toBe(0);
  expect((await numbers(idle.gateway)).get('sallyport_sessions')).toBe(0);
});
