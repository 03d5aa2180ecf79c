/** Records of published files for tests, also for processes that are no tests. */
import { createHash } from 'node:crypto';
import type { AuditRecord } from '../../src/spi/audit.ts';

/** SHA-256 in small digits. */
export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** An upload's id out of a number, in the form of real ones. */
export function uploadId(number: number): string {
  return number.toString(16).padStart(24, '0');
}

/** What a test says of a published file. */
export interface Written {
  readonly content?: string;
  readonly path?: string;
  readonly account?: string;
  readonly inbox?: string;
  readonly deliver?: readonly string[];
  readonly stored_bytes?: number;
  readonly stored_sha256?: string;
}

/** The record of a file that was published for deliveries. */
export function publishedRecord(
  upload: string,
  { content = 'hello', path = `/in/${upload}`, account = 'alice', inbox = '/in', deliver = ['out'], ...more }: Written,
): AuditRecord {
  return {
    ...{ event: 'upload.published', result: 'success', who: { account }, origin: {} },
    object: { upload, path, bytes: content.length, sha256: sha256(content), ...more, deliver, inbox },
  };
}
