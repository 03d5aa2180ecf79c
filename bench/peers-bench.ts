/** `npm run bench`: Sallyport and its peers side by side. Writes `results.md`. */

import { download } from './measures/download.ts';
import { idleSessions } from './measures/idle-sessions.ts';
import { listing } from './measures/listing.ts';
import { logins } from './measures/logins.ts';
import { responsiveness } from './measures/responsiveness.ts';
import { smallDownloads, smallUploads } from './measures/small-files.ts';
import { upload } from './measures/upload.ts';
import { ftpSrv } from './peers/ftp-srv.ts';
import { proftpd } from './peers/proftpd.ts';
import { pureFtpd, pureFtpdUnresumed } from './peers/pure-ftpd.ts';
import { pyftpdlib } from './peers/pyftpdlib.ts';
import { vsftpd } from './peers/vsftpd.ts';
import { runBench } from './run-bench.ts';
import { EQUAL, sallyport } from './sallyport.ts';
import type { Scale } from './scale.ts';

const equal = sallyport({
  name: 'Sallyport',
  note: 'no fsync and no audit log, as with the peers; SHA-256 of each upload',
  yaml: EQUAL,
  hashing: 'on',
});
const unhashed = sallyport({
  name: 'Sallyport, unhashed',
  note: 'the same with the work of SHA-256 taken out, which no peer does',
  yaml: EQUAL,
  hashing: 'off',
});
const usual = sallyport({
  name: 'Sallyport as it comes',
  note: 'fsync of every upload, audit log required, receipts',
  yaml: [],
  hashing: 'on',
});
const older = sallyport({
  name: 'Sallyport, TLS 1.2',
  note: 'as "Sallyport", in the version in which pure-ftpd resumes sessions',
  ...{ yaml: EQUAL, hashing: 'on', smallFilesTls: '1.2' },
});
const own = [equal, usual];
const peers = [pureFtpd, proftpd, vsftpd, pyftpdlib, ftpSrv];
const all = [...own, ...peers];

await runBench(
  {
    title: 'Sallyport and its peers',
    text: [
      'Written by `npm run bench`; [docs/performance.md](../docs/performance.md) tells how to read it. Median (lowest-highest) of the ' +
        'repetitions; behind it the ratio to the best peer of the column. CPU is that of the server and of all its processes, and ' +
        'steady on a busy machine; wall time is not, and the load generator takes its share of the same cores.',
      'TLS 1.3 with RSA-2048, all on loopback, each server with one account and its own copy of the files. No peer syncs an upload ' +
        'to the disk before it tells 226, or hashes it.',
    ],
    page: 'results.md',
    reference: 'best peer',
    goals: [],
    heats,
  },
  process.argv.slice(2),
);

function heats(scale: Scale) {
  const bulk = [download(scale, 1), download(scale, 4)].map((measure) => ({ measure, contestants: all }));
  const stored = [upload(scale, 1), upload(scale, 4)].map((measure) => ({
    ...{ measure, contestants: [unhashed, ...all] },
  }));
  const small = [
    ...[1, 8].map((connections) => smallUploads(scale, { bytes: 1_024, connections })),
    ...[1, 8].map((connections) => smallDownloads(scale, { bytes: 1_024, connections })),
    ...[1, 8].map((connections) => smallUploads(scale, { bytes: 65_536, connections })),
    ...[1, 8].map((connections) => smallDownloads(scale, { bytes: 65_536, connections })),
  ].map((measure) => ({ measure, contestants: [equal, older, usual, ...peers, pureFtpdUnresumed] }));
  const others = [logins(scale, 8), responsiveness(scale, 4), listing(scale, 'LIST'), idleSessions(scale)];
  return [...bulk, ...stored, ...small, ...others.map((measure) => ({ measure, contestants: all }))];
}
