/** Receipts, and everything that is none. */
import { expect, test } from 'vitest';
import { signerOf } from '../../src/audit/notes/log-key.ts';
import { ReceiptRefused, verifyReceipt } from '../../src/audit/verifying/receipt.ts';
import { appendMany, makeDirectory, openLog } from './support.ts';
import { keyFrom, ORIGIN, SIGNER } from './writer-parts.ts';

test('is refused with anything in it changed, cut or added', async () => {
  const log = await openLog(await makeDirectory());
  await appendMany(log, 5);
  const receipt = await log.receipt(2);
  const keys = [SIGNER.vkey];
  expect(verifyReceipt(receipt, keys).index).toBe(2);
  for (let at = 0; at < receipt.length; at++) {
    const changed = receipt.slice(0, at) + (receipt[at] === 'A' ? 'B' : 'A') + receipt.slice(at + 1);
    expect(() => verifyReceipt(changed, keys), `${at}`).toThrow(ReceiptRefused);
    expect(() => verifyReceipt(receipt.slice(0, at), keys), `cut at ${at}`).toThrow(ReceiptRefused);
  }
  expect(() => verifyReceipt(`${receipt}\n`, keys)).toThrow(ReceiptRefused);
  expect(() => verifyReceipt(receipt.replaceAll('\n', '\r\n'), keys)).toThrow(ReceiptRefused);
  expect(() => verifyReceipt(receipt.replace('index 2', 'index 3'), keys)).toThrow('not the one');
  expect(() => verifyReceipt(receipt.replace('index 2', 'index 5'), keys)).toThrow('not one of record 5');
  expect(() => verifyReceipt(receipt.replace('index 2', 'extra AAAA\nindex 2'), keys)).toThrow('extra');
  expect(() => verifyReceipt(receipt, [signerOf(keyFrom('other'), ORIGIN).vkey])).toThrow('none of the keys');
  expect(() => verifyReceipt(receipt, [])).toThrow('none of the keys');
});
