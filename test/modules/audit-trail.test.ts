/** The audit trail asked directly: how long it waits, and what it makes of notes that are not its own. */
import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { type AuditRequirement, auditTrail } from '../../src/modules/audit-trail.ts';
import { reply } from '../../src/protocol/reply.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { PATH } from '../../src/spi/argument.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileEffect } from '../../src/spi/file-effect.ts';
import type { Request, Result } from '../../src/spi/module.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';

const STOR: CommandTraits = {
  ...{ verb: 'STOR', class: 'write', who: 'members', data: 'transfers', rfc: 'none', help: 'STOR', argument: PATH },
};

let clock: FakeClock;
let audit: MemoryAuditLog;
let log: RecordingLog;

beforeEach(() => {
  clock = new FakeClock();
  audit = memoryAuditLog(clock);
  log = new RecordingLog();
});

function path(text: string): VirtualPath {
  const resolved = resolvePath(ROOT, text);
  if (resolved === undefined) throw new Error(`no path: ${text}`);
  return resolved;
}

function published(index?: number): FileEffect {
  const publication = { state: 'published', id: 'abc', path: path('/a'), index, receipt: undefined } as const;
  const arrival = { bytes: 5, sha256: 'ab', startedMs: 0 };
  return { kind: 'published', path: path('/a'), arrival, publication, replaced: false, arrivedMs: 1_000 };
}

function acknowledge(
  requirement: AuditRequirement,
  { effects = [], ...result }: Partial<Result> & { readonly effects?: readonly FileEffect[] },
) {
  const request: Request = {
    ...{ traits: STOR, argument: 'a', context: contextWith({ effects, clock }) },
    respond: { add: () => undefined, addError: () => undefined },
  };
  const full: Result = { reply: reply(226, 'Stored.'), cause: undefined, durationMs: 0, notes: {}, ...result };
  return Promise.resolve(auditTrail({ audit, requirement, clock, log }).onAcknowledge?.(request, full));
}

test('a log that hangs is waited for eight seconds, and then the success is not told', async () => {
  audit.hang();
  const waiting = acknowledge('required', { effects: [published()] });
  clock.advance(7_999);
  const refused = expect(waiting).rejects.toMatchObject({ kind: 'AuditUnavailable', code: 451 });
  clock.advance(1);
  await refused;
  expect(log.of('audit.lost')).toMatchObject([{ event: 'upload.published' }]);
});

test('where the log is only preferred, the answer goes out then, and the log says so', async () => {
  audit.hang();
  const waiting = acknowledge('preferred', { effects: [published()] });
  clock.advance(8_000);
  await waiting;
  expect(log.of('audit.lost')).toMatchObject([{ event: 'upload.published' }]);
});

test('a failure is told as what it is, whether or not it could be recorded', async () => {
  audit.failure = new Error('ENOSPC');
  const cause = new Fault('PermissionDenied');
  await acknowledge('required', { reply: reply(550, 'No.'), cause });
  expect(log.of('audit.lost')).toMatchObject([{ event: 'access.refused' }]);
});

test.each([
  ['by a note of its command', { effects: [published()], notes: { recorded: 7 } }],
  ['by what its commit says', { effects: [published(7)] }],
  [
    'although it came to nothing',
    {
      ...{ reply: reply(550, 'No.'), cause: new Fault('ContentRefused') },
      notes: { recorded: 7, path: '/a', transferMs: 1, dataBytes: 5 },
    },
  ],
])('an upload that has been recorded %s is not recorded twice', async (_, result) => {
  await acknowledge('required', result);
  expect(audit.events).toEqual([]);
});

test('one that nobody has recorded keeps the name that it has', async () => {
  await acknowledge('required', { effects: [published()] });
  expect(audit.records).toMatchObject([
    {
      event: 'upload.published',
      object: { upload: 'abc', path: '/a', started: '1970-01-01T00:00:00.000Z', arrived: '1970-01-01T00:00:01.000Z' },
    },
  ]);
});

test('a tree of which a part is left is told as a failure', async () => {
  const failure = new Fault('Local', { cause: new Error('EIO') });
  const effects: FileEffect[] = [{ kind: 'removed', path: path('/a'), tree: true, failure }];
  await acknowledge('required', { effects, reply: reply(451, 'No.'), cause: failure });
  expect(audit.records).toMatchObject([{ event: 'directory.removed', result: 'failure', reason: 'Local: EIO' }]);
});

test('notes of other commands that mean something else do no harm', async () => {
  await acknowledge('required', {
    ...{ reply: reply(426, 'No.'), cause: new Fault('Aborted') },
    notes: {
      path: '/a',
      transferMs: 3,
      dataTls: { version: 7 },
      dataBytes: Number.NaN,
      bytes: 'many',
      recorded: 'yes',
    },
  });
  expect(audit.records).toMatchObject([{ event: 'upload.incomplete', object: { path: '/a', bytes: 0 } }]);
});
