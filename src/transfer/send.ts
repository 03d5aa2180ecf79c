/** Moving a download from storage to the data connection. */
import { giveBack } from '../lib/pieces.ts';
import type { DataConnection } from '../spi/data-port.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import type { TransferType } from '../spi/session.ts';
import { LfToCrlf } from './ascii.ts';
import { readStretch } from './read-stretch.ts';

/** A download that is about to be moved. */
export interface Download {
  readonly connection: DataConnection;
  readonly opened: OpenedFile;
  /** Where in the file it starts. */
  readonly offsetBytes: number;
  /** Where in the file it ends, the byte there not included; without it, at the end of the file. */
  readonly endBytes?: number;
  /** In TYPE A, whether the octet before the start was a CR, the file's own or that of a line end. */
  readonly afterCr?: boolean;
  readonly type: TransferType;
}

/** What became of a download. */
export interface Sent {
  /** Bytes given to the data connection, line ends converted. */
  readonly bytes: number;
}

/**
 * Sends the file from `offsetBytes` on, up to `endBytes`, and ends the data, so that the client can tell a whole file from one cut off.
 * The file stays open: closing it is for whoever opened it.
 *
 * @throws whatever the file or the connection throws; the data have not been ended then.
 */
export async function send(download: Download): Promise<Sent> {
  const { connection, opened, offsetBytes, endBytes, afterCr = false, type } = download;
  const ascii = type === 'A' ? new LfToCrlf({ afterCr }) : undefined;
  const pieces =
    endBytes === undefined ? opened.read(offsetBytes) : readStretch(opened, { startBytes: offsetBytes, endBytes });
  let bytes = 0;
  for await (const piece of pieces) {
    const converted = ascii === undefined ? piece : ascii.push(piece);
    await connection.write(converted);
    bytes += converted.length;
    giveBack(piece);
  }
  await connection.finish();
  return { bytes };
}
