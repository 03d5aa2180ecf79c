/** Every measure of Sallyport beside its peers, and who takes part in it. */
import { download } from './measures/download.ts';
import { idleSessions } from './measures/idle-sessions.ts';
import { listing } from './measures/listing.ts';
import { loginFlood } from './measures/login-flood.ts';
import { logins } from './measures/logins.ts';
import { responsiveness } from './measures/responsiveness.ts';
import { smallDownloads, smallUploads } from './measures/small-files.ts';
import { upload } from './measures/upload.ts';
import { equal, older, type SeveralProcesses, severalProcesses, uncached, unhashed, usual } from './own.ts';
import { ftpSrv } from './peers/ftp-srv.ts';
import { proftpd } from './peers/proftpd.ts';
import { pureFtpd, pureFtpdUnresumed } from './peers/pure-ftpd.ts';
import { pyftpdlib } from './peers/pyftpdlib.ts';
import { vsftpd } from './peers/vsftpd.ts';
import type { Heat } from './run-measures.ts';
import type { Scale } from './scale.ts';

const everyPeer = [pureFtpd, proftpd, vsftpd, pyftpdlib, ftpSrv];

/** All of them, in the order of the page. */
export async function peersHeats(scale: Scale): Promise<Heat[]> {
  const several = await severalProcesses('auto');
  // Each of their servers is several processes to start, and a tiny run is to see that rows work.
  const cores = scale.field === 'whole' ? several : { ...several, unhashed: [], older: [] };
  return [...bulk(scale, cores), ...small(scale, cores), ...others(scale, cores)];
}

/** Who takes part in measures that others resemble: in a tiny run not everybody. */
function peersBeside({ field }: Scale) {
  return field === 'whole' ? everyPeer : [pureFtpd];
}

function bulk(scale: Scale, cores: SeveralProcesses): Heat[] {
  const peers = peersBeside(scale);
  return [
    { measure: download(scale, 1), contestants: [equal, usual, ...everyPeer] },
    ...[4, 16].map((streams) => ({
      measure: download(scale, streams),
      contestants: [equal, ...cores.equal, usual, ...peers],
    })),
    { measure: upload(scale, 1), contestants: [unhashed, equal, usual, ...everyPeer] },
    ...[4, 16].map((streams) => ({
      measure: upload(scale, streams),
      contestants: [unhashed, ...cores.unhashed, equal, ...cores.equal, usual, ...cores.usual, ...peers],
    })),
  ];
}

function small(scale: Scale, cores: SeveralProcesses): Heat[] {
  const own = [equal, ...cores.equal, older, ...cores.older, usual];
  const peers = [...peersBeside(scale), pureFtpdUnresumed];
  return [1_024, 65_536].flatMap((bytes) =>
    [smallUploads, smallDownloads].flatMap((files) =>
      [1, 8].map((connections) => ({
        measure: files(scale, { bytes, connections }),
        contestants: [...own, ...(bytes === 1_024 && connections === 1 ? [...everyPeer, pureFtpdUnresumed] : peers)],
      })),
    ),
  );
}

function others(scale: Scale, cores: SeveralProcesses): Heat[] {
  const own = [equal, ...cores.equal, usual];
  const asking = (['downloads', 'uploads'] as const).flatMap((beside) =>
    [1, 8].map((connections) => responsiveness(scale, { beside, connections })),
  );
  return [
    { measure: logins(scale, 8), contestants: [equal, uncached, ...cores.equal, usual, ...everyPeer] },
    ...(['retr', 'stor'] as const).map((direction) => ({
      measure: loginFlood(scale, direction),
      contestants: [equal, uncached, usual, ...peersBeside(scale)],
    })),
    ...asking.map((measure) => ({ measure, contestants: [...own, ...peersBeside(scale)] })),
    { measure: listing(scale, 'LIST'), contestants: [equal, usual, ...everyPeer] },
    // vsftpd and ftp-srv know no MLSD.
    { measure: listing(scale, 'MLSD'), contestants: [equal, usual, pureFtpd, proftpd, pyftpdlib] },
    { measure: idleSessions(scale), contestants: [equal, usual, ...everyPeer] },
  ];
}
