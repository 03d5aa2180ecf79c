/** Moving a download from storage to the data connection. */
import type { DataConnection } from '../spi/data-port.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import type { TransferType } from '../spi/session.ts';
import { LfToCrlf } from './ascii.ts';

/** A download that is about to be moved. */
export interface Download {
  readonly connection: DataConnection;
  readonly opened: OpenedFile;
  /** Where in the file it starts. */
  readonly offsetBytes: number;
  readonly type: TransferType;
}

/** What became of a download. */
export interface Sent {
  /** Bytes given to the data connection, line ends converted. */
  readonly bytes: number;
}

/**
 * Sends the file from `offsetBytes` on and ends the data, so that the client can tell a whole file from one cut off.
 * The file stays open: closing it is for whoever opened it.
 *
 * @throws whatever the file or the connection throws; the data have not been ended then.
 */
export async function send({ connection, opened, offsetBytes, type }: Download): Promise<Sent> {
  const ascii = type === 'A' ? new LfToCrlf() : undefined;
  let bytes = 0;
  for await (const piece of opened.read(offsetBytes)) {
    const converted = ascii === undefined ? piece : ascii.push(piece);
    await connection.write(converted);
    bytes += converted.length;
  }
  await connection.finish();
  return { bytes };
}
