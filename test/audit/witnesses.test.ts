/** Cosignatures of witnesses, from a note that is handed in to receipt and checkpoint. */
import { sign } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cosignedMessage, TYPE_COSIGNATURE } from '../../src/audit/notes/cosignature.ts';
import { publicBytesOf } from '../../src/audit/notes/ed25519.ts';
import { signNote } from '../../src/audit/notes/log-key.ts';
import { formatVkey, keyId, NoteRefused, parseNote, signatureLine } from '../../src/audit/notes/signed-note.ts';
import { receiptFromLog } from '../../src/audit/verifying/log-receipt.ts';
import { verifyReceipt } from '../../src/audit/verifying/receipt.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { appendMany, makeDirectory, openLog } from './support.ts';
import { keyFrom, SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

const witness = keyFrom('witness');
const vkey = formatVkey('witness.example', TYPE_COSIGNATURE, publicBytesOf(witness));
const cosign = (note: string, seconds: bigint, key = witness, name = 'witness.example') => {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(seconds);
  const signature = Buffer.concat([time, sign(null, cosignedMessage(parseNote(note).text, seconds), witness)]);
  return note + signatureLine(name, keyId(name, TYPE_COSIGNATURE, publicBytesOf(key)), signature);
};

test('their cosignatures are kept and shown with what they cosigned', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory, { witnesses: [vkey] });
  await appendMany(log, 5);
  const note = log.checkpoint();
  await expect(log.addCosignature(note)).rejects.toThrow('no cosignature');
  await expect(log.addCosignature(cosign(note, 5n, keyFrom('x')))).rejects.toThrow('no cosignature');
  await expect(log.addCosignature(cosign(note, 5n).replace(/.{4}\n$/, 'AAA=\n'))).rejects.toThrow(NoteRefused);
  const foreign = signNote(parseNote(note).text.replace('5', '4'), SIGNER);
  await expect(log.addCosignature(cosign(foreign, 5n))).rejects.toThrow('not one of this log');
  const future = signNote(parseNote(note).text.replace('5', '6'), SIGNER);
  await expect(log.addCosignature(cosign(future, 5n))).rejects.toThrow('not 6');

  expect(await log.addCosignature(cosign(note, 100n))).toBe(1);
  expect(await log.addCosignature(cosign(note, 100n))).toBe(0);
  expect(await log.addCosignature(cosign(note, 200n))).toBe(1);
  expect(log.checkpoint()).toBe(cosign(note, 200n));
  const receipt = verifyReceipt(await log.receipt(3), [SIGNER.vkey], [vkey]);
  expect(receipt.cosigners).toEqual([{ name: 'witness.example', seconds: 200n }]);
  await log.close();
  expect(await fs.readFile(join(directory, 'checkpoint'), 'utf8')).toBe(cosign(note, 200n));

  const again = await openLog(directory, { witnesses: [vkey] });
  expect(again.checkpoint()).toBe(cosign(note, 200n));
  await appendMany(again, 1);
  expect(parseNote(again.checkpoint()).signatures).toHaveLength(1);
  expect(await again.addCosignature(cosign(again.checkpoint(), 300n))).toBe(1);
  await expect(again.addCosignature(cosign(note, 400n))).rejects.toThrow('newer checkpoint');
  expect(await verifyLog(directory, { ...KEYS, witnesses: [vkey] })).toMatchObject({
    problem: undefined,
    cosigned: { size: 6, cosigners: [{ name: 'witness.example', seconds: 300n }] },
  });
});

test('a receipt that is asked for later has the cosignatures that came since, from the log and from its files', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory, { witnesses: [vkey] });
  await appendMany(log, 5);
  await log.addCosignature(cosign(log.checkpoint(), 100n));
  await appendMany(log, 300);
  const words = [{ name: 'witness.example', seconds: 100n }];
  expect(verifyReceipt(await log.receipt(3), [SIGNER.vkey], [vkey])).toMatchObject({ size: 5, cosigners: words });
  expect(verifyReceipt(await log.receipt(5), [SIGNER.vkey], [vkey])).toMatchObject({ size: 305, cosigners: [] });
  await log.close();
  expect(verifyReceipt(await receiptFromLog(directory, 3, KEYS), [SIGNER.vkey], [vkey])).toMatchObject({
    ...{ index: 3, size: 5, cosigners: words },
  });
  const newest = verifyReceipt(await receiptFromLog(directory, 304, KEYS), [SIGNER.vkey], [vkey]);
  expect(newest).toMatchObject({ index: 304, size: 305, cosigners: [] });
  await expect(receiptFromLog(directory, 305, KEYS)).rejects.toThrow(RangeError);
});

test('a cosignature of a time to come is refused', async () => {
  const log = await openLog(await makeDirectory(), { witnesses: [vkey], clock: systemClock });
  await appendMany(log, 1);
  const seconds = BigInt(Math.floor(Date.now() / 1_000));
  const ahead = log.addCosignature(cosign(log.checkpoint(), seconds + 2n * 86_400n));
  await expect(ahead).rejects.toThrow('of a time to come');
  await expect(log.addCosignature(cosign(log.checkpoint(), 2n ** 63n - 1n))).rejects.toThrow('of a time to come');
  expect(await log.addCosignature(cosign(log.checkpoint(), seconds))).toBe(1);
  await log.close();
});
