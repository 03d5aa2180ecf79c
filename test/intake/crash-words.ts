/** What the process that is killed and the test that looks on tell each other. */
import { createHash } from 'node:crypto';
import type { Arrival, Publication } from '../../src/spi/intake.ts';
import type { Mode } from './crash-parts.ts';

/** What the process is to do. */
export interface ChildOrder {
  readonly folder: string;
  readonly mode: Mode;
  readonly uploads: number;
  readonly atOnce: number;
  /** Whether all uploads have one name. */
  readonly names: 'one' | 'each its own';
  /** The step at which it kills itself; never by default. */
  readonly killAtStep?: number;
}

/** What it says. */
export interface ChildMessage {
  readonly acknowledged?: number;
  readonly publication?: Publication;
  readonly refused?: number;
  readonly why?: string;
  /** It has come to the end, behind so many steps. */
  readonly done?: number;
}

/** The bytes of an upload: no two are alike. */
export function contentOf(number: number): Buffer {
  return Buffer.from(`upload ${number} `.repeat(100 + number));
}

/** SHA-256 in hexadecimal. */
export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What is known of it when it has arrived. */
export function arrival(content: Buffer): Arrival {
  return { bytes: content.length, sha256: sha256Of(content), startedMs: Date.now() };
}
