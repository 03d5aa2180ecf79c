/** What commands did to files, whichever command and whichever way: what is recorded of them is decided by effect. */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Arrival, Publication } from './intake.ts';

/** One thing that was done, and lasts. */
export type FileEffect =
  /** A file has come to have its name, or waits for its checks. */
  | {
      readonly kind: 'published';
      readonly path: VirtualPath;
      readonly arrival: Arrival | undefined;
      readonly publication: Publication | undefined;
      /** Whether it took the place of another. */
      readonly replaced: boolean;
      /** When everything of it had arrived: milliseconds since 1970 (UTC). */
      readonly arrivedMs: number;
    }
  | { readonly kind: 'deleted'; readonly path: VirtualPath }
  | { readonly kind: 'renamed'; readonly path: VirtualPath; readonly to: VirtualPath }
  /** Permission bits or times. */
  | {
      readonly kind: 'changed';
      readonly path: VirtualPath;
      readonly mode?: number;
      readonly modifiedMs?: number;
      readonly createdMs?: number;
    }
  | { readonly kind: 'made'; readonly path: VirtualPath }
  /** `tree`: with everything in it; `failure`: why some of that is left. */
  | { readonly kind: 'removed'; readonly path: VirtualPath; readonly tree: boolean; readonly failure?: unknown }
  | { readonly kind: 'linked'; readonly path: VirtualPath; readonly to: VirtualPath };

/** Whoever wants to hear of them. */
export interface EffectSink {
  /** The time: milliseconds since 1970 (UTC). */
  now(): number;
  /** Asked before anything is changed. @throws Fault when nothing may be, such as `AuditUnavailable`. */
  admit(): void;
  /** Told behind each effect. */
  done(effect: FileEffect): void;
}
