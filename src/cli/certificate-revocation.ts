/**
 * Revocation lists (CRL, RFC 5280). The list is all that is remembered of revocations: a new one is made of the
 * one before, with a number higher by one, so that no database has to be kept beside it.
 */
import { DER, der } from '../lib/der.ts';
import { contextTag, integer, sequence, time } from './certificate-der.ts';
import { signed } from './certificate-keys.ts';
import { REVOCATION_REASONS } from './certificate-names.ts';
import {
  EXTENSION,
  type Extension,
  extensionDer,
  type Revocation,
  type RevocationListParts,
} from './certificate-parts.ts';
import { pemText } from './certificate-pem.ts';
import { authorityKeyIdentifier, DAY_MS, type Issuer, identifierOf } from './certificates.ts';

/** What the number of a reason is called; the numbers that nobody here gives keep being numbers. */
export function reasonText(reason: number | undefined): string {
  if (reason === undefined) return 'unspecified';
  return [...REVOCATION_REASONS].find(([, number]) => number === reason)?.[0] ?? `reason ${reason}`;
}

/** The list that takes the place of `previous`, with `revocations` in it. @returns PEM. */
export function makeRevocationList(
  { certificate, key }: Issuer,
  {
    previous,
    revocations,
    nowMs,
    days,
  }: {
    /** `none` for the first list of an authority. */
    readonly previous: RevocationListParts | 'none';
    readonly revocations: readonly Revocation[];
    readonly nowMs: number;
    /** Until when the next one has to be there. */
    readonly days: number;
  },
): string {
  const number = previous === 'none' ? 1n : BigInt(`0x${previous.number ?? '0'}`) + 1n;
  const extensions = [
    authorityKeyIdentifier(identifierOf(certificate)),
    { id: EXTENSION.crlNumber, critical: false, value: integer(number.toString(16)) },
  ];
  // A list without entries leaves the field out altogether.
  const entries = revocations.length === 0 ? [] : [sequence(...revocations.map(entryDer))];
  const body = (algorithm: Buffer) =>
    sequence(
      integer(1),
      algorithm,
      certificate.subject,
      time(nowMs),
      time(nowMs + days * DAY_MS),
      ...entries,
      der(contextTag(0), sequence(...extensions.map(extensionDer))),
    );
  return pemText('X509 CRL', signed(body, key));
}

function entryDer({ serialNumber, revokedMs, reason }: Revocation): Buffer {
  const fields = [integer(serialNumber), time(revokedMs)];
  // No reason is the same as `unspecified`, and is to be written so.
  if (reason === undefined || reason === 0) return sequence(...fields);
  const why: Extension = { id: EXTENSION.reason, critical: false, value: integer(reason, DER.enumerated) };
  return sequence(...fields, sequence(extensionDer(why)));
}
