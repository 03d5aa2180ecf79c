/** Finds revocation lists of clients that have ended, or end soon: they are no mistake, and yet let nobody in any more. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { endOf, revocationLists } from '../transport/revocation-lists.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { KeyPath } from './key-names.ts';
import { LIST_BYTES_MAX } from './login-files.ts';
import type { Finding, RealityOptions } from './reality.ts';

/** Looks at the lists that are in use. What cannot be read is told of as a mistake elsewhere. */
export async function revocationWarnings(
  value: unknown,
  { baseDirAt, nowMs }: Pick<RealityOptions, 'baseDirAt' | 'nowMs'>,
): Promise<Finding[]> {
  const warnings = listsInUse(value).map(async ({ path, file }): Promise<Finding[]> => {
    const read = await readBoundedFile(resolve(baseDirAt(path), file), LIST_BYTES_MAX);
    return (read.ok ? listsIn(read.text) : []).flatMap((list) => {
      const end = endOf(list, nowMs);
      if (end === 'later') return [];
      const when = new Date(list.nextUpdateMs).toISOString();
      const of = `the list of ${list.issuer}`;
      const ended = `${of} ended ${when}: no certificate of that authority counts until there is a new one`;
      return [{ path, message: end === 'ended' ? ended : `${of} ends ${when}: a new one is due` }];
    });
  });
  return (await Promise.all(warnings)).flat();
}

function listsIn(text: string) {
  try {
    return revocationLists(text);
  } catch {
    // A mistake, which `login-files.ts` tells of.
    return [];
  }
}

/** The files of those who are asked: a host with authorities of its own has lists of its own, or none. */
function listsInUse(value: unknown): { readonly path: KeyPath; readonly file: string }[] {
  const { tls = {}, hosts = [] } = sketch.parse(value);
  const asks = (mode = 'off') => mode !== 'off';
  const atHosts = hosts.map((host, index) => {
    const isOwn = host.clientCaFile !== undefined || host.clientCa !== undefined;
    return { asks: asks(host.clientCertificate ?? tls.clientCertificate), isOwn, file: host.crlFile, index };
  });
  const isUsed = asks(tls.clientCertificate) || atHosts.some((host) => host.asks && !host.isOwn);
  return [
    ...(isUsed && tls.crlFile ? [{ path: ['tls', 'crlFile'], file: tls.crlFile }] : []),
    ...atHosts.flatMap(({ asks: isAsked, isOwn, file, index }) =>
      isAsked && isOwn && file ? [{ path: ['hosts', index, 'crlFile'], file }] : [],
    ),
  ];
}

const text = z.string().optional().catch(undefined);
const trust = { clientCertificate: text, clientCaFile: text, clientCa: text, crlFile: text };

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    tls: z.object(trust).optional().catch(undefined),
    hosts: z.array(z.object(trust).catch({})).optional().catch(undefined),
  })
  .catch({});
