/** Requests for certificates (PKCS #10, RFC 2986): making one for another authority, and judging one before ours signs it. */
import { createPrivateKey } from 'node:crypto';
import { DER, der } from '../lib/der.ts';
import { contextTag, integer, named, sequence } from './certificate-der.ts';
import { keyWeakness, publicKeyDer, signatureText, signed } from './certificate-keys.ts';
import { commonNames } from './certificate-names-der.ts';
import {
  alternativeNamesOf,
  constraintsOf,
  EXTENSION_REQUEST,
  type Extension,
  extensionDer,
  isSignedByOwnKey,
  keyUsagesOf,
  purposesOf,
  type RequestParts,
  subjectKey,
} from './certificate-parts.ts';
import { pemText } from './certificate-pem.ts';

/** A request for a certificate with that subject (DER) and those extensions, signed by the key that it is for. @returns PEM. */
export function makeRequest(key: string, subject: Buffer, extensions: readonly Extension[]): string {
  const own = createPrivateKey(key);
  const wanted = sequence(...extensions.map(extensionDer));
  const attributes = der(contextTag(0), named(EXTENSION_REQUEST, der(DER.set, wanted)));
  const body = sequence(integer(0), subject, publicKeyDer(own), attributes);
  return pemText(
    'CERTIFICATE REQUEST',
    signed(() => body, own),
  );
}

/**
 * Why nobody should sign the request, in words behind its name; undefined when nothing speaks against it. That it is
 * signed by its own key shows that who sent it has that key, and does not ask for a certificate of somebody else's.
 */
export function requestProblem(request: RequestParts): string | undefined {
  const weakness = keyWeakness(subjectKey(request));
  if (weakness !== undefined) return `asks for a key that ${weakness}`;
  switch (isSignedByOwnKey(request)) {
    case undefined:
      return `is signed with ${signatureText(request.algorithm)}, which proves nothing; SHA-256 does`;
    case false:
      return 'is not signed by the key that it is for: it was changed, or made by somebody without that key';
    default:
      return undefined;
  }
}

/** What a certificate may say: its purpose, its names with their kinds in front, and its common name. */
export interface Allowed {
  readonly purpose: 'serverAuth' | 'clientAuth';
  readonly commonName: string;
  readonly alternatives: readonly string[];
}

/** What the request asks for beyond that, one line each. Uses of the key that only encrypt or sign otherwise do no harm. */
export function excessOf(request: RequestParts, allowed: Allowed): readonly string[] {
  const { extensions } = request;
  const names = commonNames(request.subject).filter((name) => name !== allowed.commonName);
  const alternatives = alternativeNamesOf(extensions).filter((name) => !allowed.alternatives.includes(name));
  const usages = keyUsagesOf(extensions) ?? [];
  return [
    ...names.map((name) => `the common name ${name}`),
    ...alternatives.map((name) => `the name ${name}`),
    ...(purposesOf(extensions) ?? []).filter((name) => name !== allowed.purpose).map((name) => `the purpose ${name}`),
    ...(constraintsOf(extensions).ca ? ['to be an authority'] : []),
    ...usages.filter((usage) => usage === 'keyCertSign' || usage === 'cRLSign').map((usage) => `the usage ${usage}`),
  ];
}
