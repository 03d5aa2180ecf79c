/** The deliveries of the configuration, made out of its options. */
import { z } from 'zod';
import { unreachable } from '../lib/assert.ts';
import { command, commandEntry } from './command.ts';
import { ftps, ftpsEntry } from './ftps.ts';
import type { Way, WayParts } from './way.ts';
import { webhook, webhookEntry } from './webhook.ts';

/** One delivery. Each kind's keys stand in the file of that kind. */
export const deliveryEntry = z.discriminatedUnion('kind', [webhookEntry, commandEntry, ftpsEntry]);

/** One delivery, checked and with its defaults. */
export type DeliveryEntry = z.output<typeof deliveryEntry>;

/** Makes a delivery's way out of its entry. */
export function wayOf(entry: DeliveryEntry, parts: WayParts): Way {
  switch (entry.kind) {
    case 'webhook':
      return webhook(entry, parts);
    case 'command':
      return command(entry, parts);
    case 'ftps':
      return ftps(entry);
    default:
      return unreachable(entry);
  }
}
