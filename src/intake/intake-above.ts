/** What the intake of one of several workers leaves to the process above them, which has everything that there is once. */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Upload } from './doors/upload.ts';

/** What is told of an upload that has its name. */
export type NewlyPublished = Pick<Upload, 'id' | 'account' | 'root' | 'path' | 'arrivedMs'>;

/** See the head of this file. */
export interface IntakeAbove {
  /**
   * Hands over an upload that this process has done with: what is left to do is done there, by what is written down of it in this
   * process's folder. Resolves when it is known there; to be asked again when nobody answers, which changes nothing. @throws
   * whatever keeps the question from being answered.
   */
  handOver(upload: string): Promise<void>;
  /** See `Intake.isChecked`. @throws as `handOver`. */
  isChecked(account: string, path: VirtualPath): Promise<boolean>;
  /** Tells that an upload has its name, in front of that name's being free for others: older ones must not have it again. */
  published(newer: NewlyPublished): void;
}
