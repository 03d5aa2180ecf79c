/** Secrets of authenticator apps as they are kept: base32 (RFC 4648 section 6), as every app takes them. */
import { randomBytes } from 'node:crypto';
import { Secret as OtpSecret, TOTP } from 'otpauth';
import { z } from 'zod';
import { Secret } from '../lib/secret.ts';

/** RFC 4226 section 4 (R6) wants 128 bits at least and recommends 160, which is what is asked for here. */
const SECRET_BYTES_MIN = 20;
const SECRET_BYTES_MAX = 64;

/** A secret in base32, with or without padding: 160 to 512 bits. */
export const totpSecret = z.string().refine(isTotpSecret, {
  error: `must be base32 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes, as 'sallyport user totp' makes it`,
});

/** A new secret: 160 random bits. */
export function generateTotpSecret(): Secret {
  const bytes = randomBytes(SECRET_BYTES_MIN);
  return new Secret(new OtpSecret({ buffer: new Uint8Array(bytes).buffer }).base32);
}

/** The address that apps take a secret from, usually as a QR code; whoever sees it has the second factor. */
export function totpUri(user: string, secret: Secret, issuer: string): string {
  return new TOTP({ issuer, label: user, secret: OtpSecret.fromBase32(secret.reveal()) }).toString();
}

function isTotpSecret(text: string): boolean {
  const digits = /^([A-Z2-7]+)=*$/.exec(text)?.[1] ?? '';
  const bytes = Math.floor((digits.length * 5) / 8);
  return bytes >= SECRET_BYTES_MIN && bytes <= SECRET_BYTES_MAX;
}
