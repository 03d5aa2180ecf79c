/** Small uploads in parallel: how many syncs of the audit log one of them takes. */

import { join } from 'node:path';
import { operationFigures } from '../figures.ts';
import { empty, layDirectory } from '../home-files.ts';
import { measure } from '../load.ts';
import { FILES_COLUMNS, type Figures, type Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** STOR of small files on many connections, and what the audit log counted meanwhile. */
export function sharedSyncs({ repetitions, seconds, parallel }: Scale, bytes: number): Measure {
  return {
    name: `parallel-${bytes}`,
    title: `STOR of ${sizeText(bytes)} files, ${parallel} at a time`,
    text: 'Syncs of the audit log (its records, tiles, checkpoints and directories) and records of it, for each upload that was told 226; logins are over before.',
    columns: [
      { key: 'syncsPerUpload', heading: 'audit syncs/upload', digits: 3 },
      { key: 'recordsPerUpload', heading: 'records/upload', digits: 2 },
      ...FILES_COLUMNS,
    ],
    server: 'kept',
    repetitions: Math.min(repetitions, 5),
    prepare: async (home) => void (await layDirectory(home, 'in')),
    async take({ server, home, load }) {
      const options = { path: 'in/small', size: bytes, each: 1, connections: parallel, seconds: 4 * seconds };
      const seen: AuditCounts[] = [];
      const look = async () => void seen.push(await auditCounts(server.metricsUrl));
      const measured = await measure(load, server, { mode: 'stor', options }, look);
      const [before, behind] = seen;
      if (before === undefined || behind === undefined) throw new Error('the audit log was not looked at');
      await empty(join(home, 'in'));
      const per = (count: number) => count / measured.operations;
      const counted: Figures = {
        syncsPerUpload: per(behind.syncs - before.syncs),
        recordsPerUpload: per(behind.records - before.records),
      };
      return { ...counted, ...operationFigures(measured) };
    },
    clean: empty,
  };
}

interface AuditCounts {
  readonly syncs: number;
  readonly records: number;
}

async function auditCounts(url: string | undefined): Promise<AuditCounts> {
  if (url === undefined) throw new Error('it tells no numbers');
  const text = await (await fetch(url)).text();
  const number = (name: string) => {
    const value = new RegExp(`^${name} ([0-9.e+]+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`there is no ${name}`);
    return Number(value);
  };
  return { syncs: number('sallyport_audit_syncs_total'), records: number('sallyport_audit_records_total') };
}
