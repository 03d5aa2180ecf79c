/** The digests by which single certificates and keys are written down. */
import { z } from 'zod';

/** SHA-256 as OpenSSL or `sha256sum` write it; small hexadecimal digits when it has been read. */
export const certificateDigest = z
  .string()
  .transform((written) => written.replaceAll(':', '').toLowerCase())
  .refine((hex) => /^[0-9a-f]{64}$/.test(hex), { error: 'must be a SHA-256 as 64 hexadecimal digits' });
