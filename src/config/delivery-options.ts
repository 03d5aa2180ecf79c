/** The list of deliveries that directories may ask for by name. Each kind's keys stand in the file of that kind. */
import { z } from 'zod';
import { deliveryEntry } from '../delivery/ways.ts';
import { IF_LIST, refuseSameName } from './option-checks.ts';

/** The deliveries; none by default. */
export const deliveryOptions = z
  .array(deliveryEntry)
  .max(64)
  .superRefine(refuseSameName('is taken by another delivery'), IF_LIST)
  .default([]);

/** Refuses deliveries without the log: they follow it. */
export function requireLogForDeliveries(
  { deliveries, audit }: { readonly deliveries: readonly unknown[]; readonly audit: { readonly requirement: string } },
  context: z.RefinementCtx,
): void {
  if (deliveries.length === 0 || audit.requirement !== 'off') return;
  const message = 'follow the audit log, and audit.requirement is off';
  context.addIssue({ code: 'custom', path: ['deliveries'], message });
}
