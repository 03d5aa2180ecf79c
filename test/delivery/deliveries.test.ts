/** Deliveries over a log in memory: what is handed on, in which order, how often, and what becomes of what nobody takes. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DeliveryRefused } from '../../src/delivery/deliveries.ts';
import { Undeliverable } from '../../src/delivery/undeliverable.ts';
import type { Parcel } from '../../src/delivery/way.ts';
import { memoryAuditLog } from '../fixtures/memory-audit-log.ts';
import { publishedRecord, sha256, uploadId } from './records.ts';
import { begin, pathOf, Receiver, startDeliveries, until } from './support.ts';

const away = () => {
  throw new Error('away');
};

/** Reads a parcel to its end. */
const reading = async (parcel: Parcel) => {
  await using contents = await parcel.contents();
  const pieces: Buffer[] = [];
  for await (const piece of contents.read()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
};

describe('what is not handed on', () => {
  test('what was published before the delivery began for the first time', async () => {
    const receiver = new Receiver();
    const audit = memoryAuditLog();
    await audit.append(publishedRecord(uploadId(1), {}));
    const { publish, deliveries } = await startDeliveries([receiver.way()], { audit });
    await publish(2);
    await until(() => deliveries.overview[0]?.made === 1);
    expect(receiver.tried).toEqual([uploadId(2)]);
  });

  test('what could not be recorded when it was handed on is recorded late, once', async () => {
    const receiver = new Receiver();
    const { publish, audit, log } = await startDeliveries([receiver.way()]);
    await publish(1);
    audit.rejectNext = new Error('full');
    await until(() => audit.of('delivery.made').length === 1);
    expect(log.of('delivery.unrecorded')).toHaveLength(1);
    expect(audit.of('delivery.made')).toMatchObject([{ object: { late: true } }]);
  });

  test('what is for another delivery or for none, and every other record', async () => {
    const receiver = new Receiver();
    const { publish, audit } = await startDeliveries([receiver.way()]);
    await publish(1, { deliver: ['other'] });
    await publish(2, { deliver: [] });
    audit.note({ event: 'upload.accepted', result: 'success', who: {}, origin: {}, object: { upload: uploadId(3) } });
    await publish(4, { deliver: ['other', 'out'] });
    await until(() => audit.of('delivery.made').length === 1);
    expect(receiver.tried).toEqual([uploadId(4)]);
  });

  test('what was recorded, could not be published and was taken back', async () => {
    const receiver = new Receiver();
    const between = new Set([uploadId(1)]);
    const { publish, audit, clock, log } = await startDeliveries([receiver.way()], {
      isBetween: (upload) => between.has(upload),
    });
    await publish(1);
    await publish(2, { inbox: '/else' });
    await until(() => receiver.tried.length === 1);
    await audit.append({ ...publishedRecord(uploadId(1), {}), event: 'upload.refused', result: 'failure' });
    between.clear();
    await until(() => log.of('delivery.dropped').length === 1, { clock, stepMs: 100 });
    expect(receiver.tried).toEqual([uploadId(2)]);
  });

  test('anything, while it could not be recorded; what the log takes again goes on', async () => {
    const receiver = new Receiver();
    let waits = true;
    const { publish, audit, clock, log, deliveries } = await startDeliveries([receiver.way()], {
      isBetween: () => waits,
    });
    await publish(1);
    await until(() => deliveries.overview[0]?.pending === 1);
    audit.failure = new Error('the disk is full');
    waits = false;
    await until(() => log.of('delivery.delayed').length > 0, { clock, stepMs: 100 });
    expect(receiver.tried).toEqual([]);
    audit.failure = undefined;
    await until(() => audit.of('delivery.made').length === 1, { clock, stepMs: 100 });
    expect(receiver.tried).toEqual([uploadId(1)]);
  });
});

describe('what is handed on', () => {
  test('once its upload is not between the doors any more, and recorded', async () => {
    const receiver = new Receiver();
    const between = new Set([uploadId(1)]);
    const { publish, audit, clock } = await startDeliveries([receiver.way()], {
      isBetween: (upload) => between.has(upload),
    });
    const upload = await publish(1, { path: '/in/a.txt' });
    await publish(2, { inbox: '/else' });
    await until(() => audit.of('delivery.made').length === 1);
    expect(receiver.tried).toEqual([uploadId(2)]);
    between.clear();
    await until(() => audit.of('delivery.made').length === 2, { clock, stepMs: 100 });
    const key = `${upload}.out`;
    expect(receiver.parcels[1]).toMatchObject({ key, attempt: 1, published: { path: '/in/a.txt', account: 'alice' } });
    expect(audit.of('delivery.made')[1]).toMatchObject({
      ...{ result: 'success', who: {}, origin: { program: 'gateway' } },
      object: {
        ...{ delivery: 'out', kind: 'scripted', key, upload, account: 'alice', path: '/in/a.txt', bytes: 5 },
        ...{ sha256: sha256('hello'), record: 0, attempts: 1 },
      },
    });
  });

  test('in its order in an inbox, and side by side in others and for other receivers, with a bound', async () => {
    const [slow, quick] = [new Receiver(), new Receiver()];
    const stopped = Promise.withResolvers<void>();
    let now = 0;
    let most = 0;
    slow.answer = async ({ published }) => {
      most = Math.max(most, ++now);
      if (published.inbox === '/one') await stopped.promise;
      now -= 1;
    };
    const ways = [slow.way({ name: 'slow', parallelMax: 2 }), quick.way({ name: 'quick' })];
    const { publish, audit, deliveries } = await startDeliveries(ways);
    const deliver = ['slow', 'quick'];
    for (let i = 1; i <= 30; i++) await publish(i, { deliver, inbox: ['/one', '/two', '/three'][i % 3] ?? '' });
    await until(() => deliveries.overview[0]?.made === 20 && deliveries.overview[1]?.made === 30);
    const ofInbox = (receiver: Receiver, inbox: string) =>
      receiver.parcels.flatMap(({ published }) => (published.inbox === inbox ? published.index : []));
    expect(ofInbox(slow, '/one')).toHaveLength(1);
    stopped.resolve();
    await until(() => deliveries.overview[0]?.made === 30);
    expect(most).toBe(2);
    for (const receiver of [slow, quick])
      for (const inbox of ['/one', '/two', '/three']) {
        const order = ofInbox(receiver, inbox);
        expect(order).toHaveLength(10);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    expect(audit.of('delivery.made')).toHaveLength(60);
  });

  test('the file as it is stored, and its receipt', async () => {
    const receiver = new Receiver();
    const seen: string[] = [];
    receiver.answer = async (parcel) => seen.push(await reading(parcel), await parcel.receipt());
    const { publish, audit, files } = await startDeliveries([receiver.way()]);
    files.put(pathOf('/in/secret'), 'encrypted');
    await audit.append(
      publishedRecord(uploadId(1), {
        ...{ content: 'plain', path: '/in/secret' },
        ...{ stored_bytes: 9, stored_sha256: sha256('encrypted') },
      }),
    );
    await publish(2);
    await until(() => audit.of('delivery.made').length === 2);
    const [first, second] = audit.records.map((record) => JSON.stringify(record));
    expect(seen).toEqual([
      'encrypted',
      expect.stringContaining(`${first}\n`),
      'hello',
      expect.stringContaining(`${second}\n`),
    ]);
  });

  test('from where the account was when it uploaded, when it is written down nowhere', async () => {
    const receiver = new Receiver();
    receiver.answer = reading;
    const bench = await startDeliveries([receiver.way()], {
      filesAt: (_, root) => (root === '/srv/alice' ? bench.files : undefined),
    });
    await bench.deliveries.remember('alice', '/srv/alice');
    await bench.deliveries.stop();
    await bench.publish(1);
    await begin(bench.parts);
    await until(() => bench.audit.of('delivery.made').length === 1);
  });
});

describe('what nobody takes', () => {
  test('is tried again ever more rarely, up to a bound, with the ones behind it waiting', async () => {
    const receiver = new Receiver();
    receiver.answer = away;
    const terms = { retryMinMs: 1_000, retryMaxMs: 5_000 };
    const { publish, clock, deliveries, log } = await startDeliveries([receiver.way(terms)]);
    await publish(1);
    await publish(2);
    const waits: unknown[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      await until(() => log.of('delivery.attempt_failed').length === attempt);
      const waitMs = Number(log.of('delivery.attempt_failed').at(-1)?.waitMs);
      waits.push(waitMs);
      await until(() => deliveries.list().files[0]?.nextMs === clock.now() + waitMs);
      // Whatever else would run has its turn.
      clock.advance(waitMs - 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(receiver.tried).toHaveLength(attempt);
      if (attempt === 5) receiver.answer = () => undefined;
      clock.advance(1);
    }
    await until(() => deliveries.overview[0]?.made === 2);
    expect(waits).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(receiver.parcels.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 1]);
    expect(new Set(receiver.tried.slice(0, 6))).toEqual(new Set([uploadId(1)]));
  });

  test.each([
    ['attempts_max', { attemptsMax: 3, retryMinMs: 10, retryMaxMs: 10 }, 3],
    ['give_up_after_ms', { giveUpAfterMs: 2_000, retryMinMs: 1_000, retryMaxMs: 1_000 }, 3],
  ])('becomes a dead letter behind %s, and the next one goes on', async (_, terms, attempts) => {
    const receiver = new Receiver();
    receiver.answer = ({ published }) => published.index === 0 && away();
    const { publish, clock, deliveries, audit } = await startDeliveries([receiver.way(terms)]);
    const upload = await publish(1);
    await publish(2);
    await until(() => receiver.tried.length === 1);
    for (let attempt = 2; attempt <= attempts; attempt++) {
      await until(() => deliveries.list().files[0]?.attempts === attempt - 1);
      clock.advance(terms.retryMinMs);
      await until(() => receiver.tried.length >= attempt);
    }
    await until(() => audit.of('delivery.made').length === 1);
    expect(audit.of('delivery.failed')).toMatchObject([
      { result: 'failure', reason: 'away', object: { attempts, upload } },
    ]);
    expect(deliveries.list()).toMatchObject({
      deliveries: [{ name: 'out', kind: 'scripted', pending: 0, dead: 1, made: 1, failed: attempts }],
      files: [
        { id: `${upload}.out`, state: 'dead', attempts, reason: 'away', account: 'alice', path: `/in/${upload}` },
      ],
    });
    expect(JSON.parse(JSON.stringify(deliveries.list()))).toEqual(deliveries.list());
  });

  test.each([
    [
      'gone',
      async (path: string, bench: Awaited<ReturnType<typeof startDeliveries>>) => bench.files.removeFile(pathOf(path)),
      /the file is gone/,
    ],
    [
      'replaced by a longer one',
      async (
        path: string,
        { files }: { files: { put: (path: ReturnType<typeof pathOf>, content: string) => unknown } },
      ) => files.put(pathOf(path), 'hello you'),
      /another file has the name/,
    ],
    [
      'replaced by one as long',
      async (
        path: string,
        { files }: { files: { put: (path: ReturnType<typeof pathOf>, content: string) => unknown } },
      ) => files.put(pathOf(path), 'hullo'),
      /another file has the name/,
    ],
  ])('a file that is %s is a dead letter at once', async (_, change, reason) => {
    const receiver = new Receiver();
    let waits = true;
    receiver.answer = reading;
    const bench = await startDeliveries([receiver.way()], { isBetween: () => waits });
    const { publish, clock, deliveries } = bench;
    await publish(1, { path: '/in/a' });
    await change('/in/a', bench);
    waits = false;
    await until(() => deliveries.overview[0]?.dead === 1, { clock, stepMs: 100 });
    expect(deliveries.list().files[0]?.reason).toMatch(reason);
    expect(receiver.tried).toHaveLength(1);
  });

  test('a receiver that hangs has failed when its time is over, and is told', async () => {
    const receiver = new Receiver();
    const told = Promise.withResolvers<void>();
    receiver.answer = (_, signal) => {
      signal.addEventListener('abort', () => told.resolve());
      return new Promise(() => undefined);
    };
    const { publish, clock, deliveries } = await startDeliveries([receiver.way({ timeoutMs: 500 })]);
    await publish(1);
    await until(() => receiver.tried.length === 1);
    clock.advance(500);
    await told.promise;
    await until(() => deliveries.list().files[0]?.reason === 'no answer within 500 ms');
  });
});

describe('a record that the log has dropped', () => {
  test('is a dead letter when its file was not tried before, and no matter when it is one already', async () => {
    const receiver = new Receiver();
    receiver.answer = () => {
      throw new Undeliverable('no use');
    };
    const bench = await startDeliveries([receiver.way()]);
    const { deliveries, audit, publish, parts, clock } = bench;
    const first = await publish(1);
    await until(() => deliveries.overview[0]?.dead === 1);
    let waits = true;
    await deliveries.stop();
    const next = await begin({ ...parts, isBetween: () => waits });
    const second = await publish(2);
    await until(() => next.overview[0]?.pending === 1);
    const read = audit.read.bind(audit);
    audit.read = (from) => read(Math.max(from, audit.size));
    waits = false;
    await until(() => next.overview[0]?.dead === 2, { clock, stepMs: 100 });
    receiver.answer = () => undefined;
    await next.retry(`${first}.out`, 'root');
    await until(() => next.overview[0]?.made === 1);
    expect(next.list().files).toMatchObject([{ upload: second, reason: expect.stringMatching(/has dropped record/) }]);
  });
});

describe('operators', () => {
  const deadOne = async () => {
    const receiver = new Receiver();
    receiver.answer = () => {
      throw new Undeliverable('no use');
    };
    const bench = await startDeliveries([receiver.way()]);
    const upload = await bench.publish(1);
    await until(() => bench.deliveries.overview[0]?.dead === 1);
    return { ...bench, receiver, upload, id: `${upload}.out` };
  };

  test.each([['nothing'], ['.out'], [`${uploadId(1)}.other`], [`${uploadId(9)}.out`], [`../${uploadId(1)}.out`]])(
    'name a file that is not there: %s',
    async (id) => {
      const { deliveries, audit } = await deadOne();
      await expect(deliveries.retry(id, 'root')).rejects.toThrow(DeliveryRefused);
      await expect(deliveries.discard(id, 'root')).rejects.toThrow(DeliveryRefused);
      expect(audit.events).not.toContain('delivery.retried');
      expect(audit.events).not.toContain('delivery.discarded');
    },
  );

  test('do nothing that cannot be recorded', async () => {
    const { deliveries, audit, id } = await deadOne();
    audit.failure = new Error('full');
    await expect(deliveries.discard(id, 'root')).rejects.toThrow(/stays as it is/);
    expect(deliveries.overview[0]?.dead).toBe(1);
  });

  test('have a dead letter tried again, in front of what waits, once, across a restart', async () => {
    const { deliveries, audit, id, upload, receiver, publish, parts, clock } = await deadOne();
    receiver.answer = away;
    const later = await publish(2);
    await until(() => deliveries.list().files.some((file) => file.upload === later));
    await deliveries.retry(id, 'root');
    await until(() => receiver.tried.at(-1) === upload);
    expect(audit.of('delivery.retried')).toMatchObject([
      { who: { operator: 'root' }, origin: { program: 'cli' }, object: { key: id } },
    ]);
    expect(deliveries.overview[0]).toMatchObject({ pending: 2, dead: 0 });
    await until(() => deliveries.list().files.length === 2);
    await deliveries.stop();
    receiver.answer = () => undefined;
    const tried = receiver.tried.length;
    const next = await begin(parts);
    await until(() => next.overview[0]?.made === 2, { clock, stepMs: 100 });
    expect(receiver.tried.slice(tried)).toEqual([upload, later]);
    expect(next.list().files).toEqual([]);
    expect(await readdir(join(parts.directory, 'out', 'dead'))).toEqual([]);
  });

  test('need not wait for a file that is tried again by itself', async () => {
    const receiver = new Receiver();
    receiver.answer = away;
    const { publish, deliveries, log } = await startDeliveries([
      receiver.way({ retryMinMs: 60_000, retryMaxMs: 60_000 }),
    ]);
    const upload = await publish(1);
    await until(() => log.of('delivery.attempt_failed').length === 1);
    await until(() => deliveries.list().files.length === 1);
    receiver.answer = () => undefined;
    await deliveries.retry(`${upload}.out`, 'root');
    await until(() => deliveries.overview[0]?.made === 1);
  });

  test('discard a dead letter, and one that is still tried, which lets the next one go on', async () => {
    const { deliveries, audit, id, receiver, publish, files, upload } = await deadOne();
    await deliveries.discard(id, 'root');
    expect(deliveries.list().files).toEqual([]);
    expect((await files.stat(pathOf(`/in/${upload}`))).sizeBytes).toBe(5);
    receiver.answer = ({ published }) => published.upload === uploadId(2) && away();
    const failing = await publish(2);
    await publish(3);
    await until(() => deliveries.list().files.length === 1);
    await deliveries.discard(`${failing}.out`, 'root');
    await until(() => receiver.tried.at(-1) === uploadId(3));
    expect(audit.of('delivery.discarded').map(({ object }) => object.key)).toEqual([id, `${failing}.out`]);
    await until(() => deliveries.overview[0]?.pending === 0);
  });
});

describe('a restart', () => {
  test('goes on where the last one was: what was made is not made again, what was not is', async () => {
    const receiver = new Receiver();
    receiver.answer = ({ published }) => published.inbox === '/stuck' && away();
    const { publish, deliveries, parts, audit, clock } = await startDeliveries([receiver.way()]);
    for (let i = 1; i <= 40; i++) await publish(i, { inbox: i % 4 === 0 ? '/stuck' : '/fine' });
    await until(() => deliveries.overview[0]?.made === 30);
    await until(() => deliveries.list().files.length === 1);
    await deliveries.stop();
    const cursor = JSON.parse(await readFile(join(parts.directory, 'out', 'cursor.json'), 'utf8'));
    expect(cursor).toMatchObject({ version: 1, failing: [{ index: 3, attempts: 1, reason: 'away' }] });
    expect(cursor.unfinished.flat()).toHaveLength(20);
    for (let i = 41; i <= 50; i++) await publish(i, { inbox: '/stuck' });
    receiver.tried.length = 0;
    receiver.answer = () => undefined;
    const next = await begin(parts);
    await until(() => next.overview[0]?.made === 20, { clock, stepMs: 100 });
    const stuck = audit.records.flatMap(({ event, object }) =>
      event === 'upload.published' && object.inbox === '/stuck' ? String(object.upload) : [],
    );
    expect(receiver.tried).toEqual(stuck);
    expect(receiver.parcels.at(-20)?.attempt).toBe(2);
    await next.stop();
    await begin(parts);
    await publish(51);
    await until(() => receiver.tried.length === 21);
  });

  test('with a cursor that nobody understands does not begin', async () => {
    const { deliveries, parts } = await startDeliveries([new Receiver().way()]);
    await deliveries.stop();
    await writeFile(join(parts.directory, 'out', 'cursor.json'), '{"version":2}');
    await expect(begin(parts)).rejects.toThrow(/cursor.json cannot be understood/);
  });

  test('behind the loss of the log begins at its end, and says so', async () => {
    const receiver = new Receiver();
    const { deliveries, parts, publish, log } = await startDeliveries([receiver.way()]);
    for (let i = 1; i <= 3; i++) await publish(i);
    await until(() => deliveries.overview[0]?.made === 3);
    await deliveries.stop();
    const audit = memoryAuditLog();
    await audit.append(publishedRecord(uploadId(9), {}));
    await begin({ ...parts, audit });
    expect(log.of('delivery.log_replaced')).toHaveLength(1);
    await audit.append(publishedRecord(uploadId(10), {}));
    await until(() => receiver.tried.at(-1) === uploadId(10));
    expect(receiver.tried).not.toContain(uploadId(9));
  });
});
