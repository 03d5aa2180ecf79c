/** How what a hook is told is signed, so that it can know that it was this gateway which told it. */
import { createHmac } from 'node:crypto';

/**
 * The signature of a request: `v1=` and the HMAC-SHA256, in small hexadecimal digits, of the timestamp as it stands in its
 * header, a full stop, and what the hook is told.
 */
export function hookSignature(secret: string, timestamp: string, told: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${told}`).digest('hex')}`;
}
