/** What one process is of a gateway: all of it, the process that stands above its workers, or one of those. */
import type { DeliveryNames } from '../intake/doors/machine-parts.ts';
import type { IntakeAbove } from '../intake/intake-above.ts';
import type { ReceiptIssuer } from '../intake/receipts/receipts.ts';
import type { Counts } from '../modules/metrics-counters.ts';
import type { SharedState } from './shared-state.ts';

/** What a worker has of what is not its own. */
export interface WorkerPosition {
  readonly kind: 'worker';
  /** The name of its folder among the notes of uploads between the doors: nobody else writes there while it lives. */
  readonly folder: string;
  readonly shared: SharedState;
  /** Where is counted what happens; undefined when nobody asks for the numbers. */
  readonly counts: Counts | undefined;
  /** Remembers where an account's files are, for deliveries. */
  readonly rememberRoot: DeliveryNames['remember'];
  /** Who has the uploads that wait. */
  readonly intakeAbove: IntakeAbove;
  /** Has a receipt taken from the log and written by whoever keeps both. */
  readonly issueReceipt: ReceiptIssuer;
}

/** See the head of this file. Who stands above serves no session and has everything that there is once. */
export type Position =
  | { readonly kind: 'whole' }
  | { readonly kind: 'above'; readonly shared: SharedState }
  | WorkerPosition;
