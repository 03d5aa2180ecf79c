/** Checks the files that logins, gates and deliveries rest on, besides the accounts: authorities of other servers and of clients, and secrets. */
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { z } from 'zod';
import { revocationLists } from '../transport/revocation-lists.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { KeyPath } from './key-names.ts';
import type { Finding, RealityOptions } from './reality.ts';
import { openToOthers } from './secret-mode.ts';
import { unaskedCertificates } from './unasked-certificates.ts';

/**
 * Checks that authorities and revocation lists can be read and secrets by nobody else, and that certificates which users
 * log in with are asked for at all. The value need not be valid otherwise.
 */
export async function loginFindings(
  value: unknown,
  { baseDirAt }: Pick<RealityOptions, 'baseDirAt'>,
): Promise<Finding[]> {
  const { tls = {}, hosts = [], authentication = [], gates = [], deliveries = [] } = sketch.parse(value);
  const files: { readonly path: KeyPath; readonly file: string | undefined; readonly check: Check }[] = [
    { path: ['tls', 'clientCaFile'], file: tls.clientCaFile, check: notAuthorities },
    { path: ['tls', 'crlFile'], file: tls.crlFile, check: notLists },
    ...hosts.flatMap(({ clientCaFile, crlFile }, index) => [
      { path: ['hosts', index, 'clientCaFile'], file: clientCaFile, check: notAuthorities },
      { path: ['hosts', index, 'crlFile'], file: crlFile, check: notLists },
    ]),
    ...authentication.flatMap(({ caFile, secretFile, search }, index) => [
      { path: ['authentication', index, 'caFile'], file: caFile, check: notAuthorities },
      { path: ['authentication', index, 'secretFile'], file: secretFile, check: notSecret },
      { path: ['authentication', index, 'search', 'passwordFile'], file: search?.passwordFile, check: notSecret },
    ]),
    ...gates.flatMap(({ caFile, secretFile }, index) => [
      { path: ['gates', index, 'caFile'], file: caFile, check: notAuthorities },
      { path: ['gates', index, 'secretFile'], file: secretFile, check: notSecret },
    ]),
    ...deliveries.flatMap(({ caFile, certificateFile, secretFile, passwordFile, keyFile }, index) => [
      { path: ['deliveries', index, 'caFile'], file: caFile, check: notAuthorities },
      { path: ['deliveries', index, 'certificateFile'], file: certificateFile, check: notAuthorities },
      { path: ['deliveries', index, 'secretFile'], file: secretFile, check: notSecret },
      { path: ['deliveries', index, 'passwordFile'], file: passwordFile, check: notSecret },
      { path: ['deliveries', index, 'keyFile'], file: keyFile, check: notSecret },
    ]),
  ];
  const findings = files.map(async ({ path, file, check }) => {
    const message = file ? await check(resolve(baseDirAt(path), file)) : undefined;
    return message === undefined ? [] : [{ path, message }];
  });
  return [...(await Promise.all(findings)).flat(), ...unaskedCertificates(value)];
}

/** What is wrong with a file; undefined when nothing is. */
type Check = (file: string) => Promise<string | undefined>;

const FILE_BYTES_MAX = 1_048_576;

/** Lists name every certificate that was taken back, and those of large authorities are long. */
export const LIST_BYTES_MAX = 67_108_864;

const text = z.string().optional().catch(undefined);
const trust = { clientCertificate: text, clientCaFile: text, crlFile: text };

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    tls: z.object(trust).optional().catch(undefined),
    hosts: z.array(z.object(trust).catch({})).optional().catch(undefined),
    gates: z
      .array(z.object({ caFile: text, secretFile: text }).catch({}))
      .optional()
      .catch(undefined),
    deliveries: z
      .array(
        z
          .object({ caFile: text, certificateFile: text, secretFile: text, passwordFile: text, keyFile: text })
          .catch({}),
      )
      .optional()
      .catch(undefined),
    authentication: z
      .array(
        z
          .object({
            type: text,
            caFile: text,
            secretFile: text,
            search: z.object({ passwordFile: text }).optional().catch(undefined),
          })
          .catch({}),
      )
      .optional()
      .catch(undefined),
  })
  .catch({});

async function notAuthorities(file: string): Promise<string | undefined> {
  const read = await readBoundedFile(file, FILE_BYTES_MAX);
  if (!read.ok) return read.message;
  try {
    new X509Certificate(read.text);
    return undefined;
  } catch {
    // The parser's own words help nobody.
    return 'holds no certificate in PEM form';
  }
}

async function notLists(file: string): Promise<string | undefined> {
  const read = await readBoundedFile(file, LIST_BYTES_MAX);
  if (!read.ok) return read.message;
  try {
    revocationLists(read.text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function notSecret(file: string): Promise<string | undefined> {
  const read = await readBoundedFile(file, FILE_BYTES_MAX);
  return read.ok ? openToOthers(file, read.mode) : read.message;
}
