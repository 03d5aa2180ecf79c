/** `sallyport audit receipt`: the receipt of a record, made from the log's files. */
import { LogDamaged } from '../audit/damage.ts';
import { receiptFromLog } from '../audit/verifying/log-receipt.ts';
import { type PlaceFlags, requireLog, verifyingKeys } from './audit-place.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** What it is told. */
export interface LogReceiptFlags extends PlaceFlags {
  readonly key?: readonly string[];
}

/** Prints it, with the cosignatures that there are. @throws CommandFailure. */
export async function printLogReceipt(index: number, flags: LogReceiptFlags, terminal: Terminal): Promise<void> {
  const place = await requireLog(flags, terminal);
  const { keys } = await verifyingKeys(flags.key ?? [], place);
  try {
    terminal.stdout.write(await receiptFromLog(place.directory, index, { keys }));
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof LogDamaged)) throw error;
    throw new CommandFailure('failure', `${error.message}.`, { cause: error });
  }
}
