/** Sending a listing as it is read, so that a directory of any size takes the memory of one batch. */
import type { Charset } from '../spi/charset.ts';
import type { DataConnection } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';

/** Text sent at once, in UTF-16 units: a write and a TLS record for each line would cost more than the listing. */
const BATCH_CHARACTERS = 65_536;

/** A listing that is about to be sent. */
export interface Listing {
  readonly connection: DataConnection;
  /** Lines with their CRLF, in batches. */
  readonly batches: AsyncIterable<readonly string[]>;
  readonly linesMax: number;
  /** How the names are written. */
  readonly charset: Charset;
}

/**
 * Sends every line and ends the data.
 *
 * @returns the number of lines.
 * @throws Fault `ListingTooLong` behind the first `linesMax` lines when there are more; whatever the listing or the
 *   connection throws. The data have not been ended then, so the client can tell that something is missing.
 */
export async function sendListing({ connection, batches, linesMax, charset }: Listing): Promise<number> {
  let count = 0;
  let text = '';
  const flush = async () => {
    const sent = text;
    text = '';
    await connection.write(charset.encode(sent));
  };
  for await (const lines of batches) {
    for (const line of lines.slice(0, linesMax - count)) {
      text += line;
      if (text.length >= BATCH_CHARACTERS) await flush();
    }
    // The first batch goes at once: it is all of most listings, and the beginning of a long one is there soon.
    if (count === 0 && text !== '') await flush();
    count += lines.length;
    if (count > linesMax) break;
  }
  if (text !== '') await flush();
  if (count > linesMax) throw new Fault('ListingTooLong');
  await connection.finish();
  return count;
}
