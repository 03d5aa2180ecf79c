/** NIST SP 800-53 Revision 5 (controls), as far as a configuration decides it. Titles are our own. */
import { idleSessions, inactiveAccounts, lockout, ownNames, passwordHashes, secondFactor } from './account-checks.ts';
import { auditFailsClosed, auditKept, auditRetention, auditVerifies, logLevel, receipts } from './audit-checks.ts';
import { type Framework, item, undecided } from './check.ts';
import {
  dataPeers,
  encryptionAtRest,
  fileModes,
  malwareGates,
  privateMetrics,
  retention,
  storageSync,
  writeOnce,
} from './file-checks.ts';
import {
  certificates,
  closeNotify,
  controlTls,
  dataTls,
  deliveriesOverTls,
  fipsMode,
  otherServers,
  sessionReuse,
} from './tls-checks.ts';

/** The table. */
export const nist80053: Framework = {
  id: 'nist-800-53',
  name: 'NIST SP 800-53 Revision 5',
  caution:
    'Control numbers were written down from memory: compare them with your edition and baseline. Values that the publication ' +
    'leaves to the organisation are taken from PCI DSS (10 tries, 15 and 30 minutes, 90 days, twelve months).',
  items: [
    item(
      'nist-800-53-ac-2.3-inactive-accounts',
      'AC-2(3)',
      'Accounts unused for 90 days switched off',
      inactiveAccounts,
    ),
    item('nist-800-53-ac-3-file-modes', 'AC-3', 'Stored files closed to others on the machine', fileModes),
    item('nist-800-53-ac-7-lockout', 'AC-7', 'Guessing shut out after 10 tries, for 30 minutes', lockout),
    item('nist-800-53-ac-12-idle-sessions', 'AC-12', 'Idle sessions ended within 15 minutes', idleSessions),
    item('nist-800-53-au-5-fails-closed', 'AU-5', 'Nothing accepted while records cannot be written', auditFailsClosed),
    item(
      'nist-800-53-au-9.3-log-verifies',
      'AU-9(3)',
      'Records whole and unaltered, by hashes and signatures',
      auditVerifies,
    ),
    item('nist-800-53-au-10-receipts', 'AU-10', 'Signed receipts of every published upload', receipts),
    item('nist-800-53-au-11-log-retention', 'AU-11', 'Records kept for twelve months', auditRetention),
    item('nist-800-53-au-12-audit-log', 'AU-12', 'Security events recorded', auditKept),
    item('nist-800-53-au-12-log-level', 'AU-12', 'Logins and refusals in the operating log too', logLevel),
    item(
      'nist-800-53-cm-3-configuration-changes',
      'CM-3',
      'Configurations that came into force recorded, with their digest',
      auditKept,
    ),
    item('nist-800-53-cm-7-data-peers', 'CM-7', 'Data connections to and from the client alone', dataPeers),
    item('nist-800-53-cm-7-metrics', 'CM-7', 'No numbers in clear text for the public', privateMetrics),
    item('nist-800-53-ia-2-own-names', 'IA-2', 'No login without a name of its own', ownNames),
    item('nist-800-53-ia-2.2-second-factor', 'IA-2(2)', 'A second factor for every login', secondFactor),
    item(
      'nist-800-53-ia-5.1-password-hashes',
      'IA-5(1)',
      'Passwords kept as hashes that are slow to guess',
      passwordHashes,
    ),
    item('nist-800-53-sc-8-control-tls', 'SC-8', 'Logins and commands over TLS only', controlTls),
    item('nist-800-53-sc-8-data-tls', 'SC-8', 'Files and listings over TLS only', dataTls),
    item('nist-800-53-sc-8-deliveries', 'SC-8', 'Files handed on over TLS or on this machine', deliveriesOverTls),
    item(
      'nist-800-53-sc-8-other-servers',
      'SC-8',
      'Directories and scanners asked over TLS or on this machine',
      otherServers,
    ),
    item('nist-800-53-sc-13-fips-mode', 'SC-13', 'Only what a FIPS provider has can be used', fipsMode),
    item(
      'nist-800-53-sc-17-certificates',
      'SC-17',
      'Certificates valid for 30 days more, keys strong enough',
      certificates,
    ),
    item('nist-800-53-sc-23-session-reuse', 'SC-23', 'Data connections bound to their session by TLS', sessionReuse),
    item(
      'nist-800-53-sc-28.1-encryption-at-rest',
      'SC-28(1)',
      'Uploads encrypted before they reach the disk',
      encryptionAtRest,
    ),
    item('nist-800-53-si-3-malware-gates', 'SI-3', 'Uploads scanned before they are published', malwareGates),
    item('nist-800-53-si-7-close-notify', 'SI-7', 'Uploads that were cut off never taken for whole', closeNotify),
    item('nist-800-53-si-7-storage-sync', 'SI-7', 'Acknowledged files on the disk', storageSync),
    item('nist-800-53-si-7-write-once', 'SI-7', 'No account changes or deletes what was uploaded', writeOnce),
    item('nist-800-53-si-12-retention', 'SI-12', 'Uploads kept for twelve months', retention),
  ],
  undecided: [
    undecided(
      'nist-800-53-baseline',
      'all',
      'Which controls your baseline has, and with which values',
      'the owner of the system',
    ),
    undecided(
      'nist-800-53-ac-2-reviews',
      'AC-2',
      'Whether accounts are approved and reviewed',
      'whoever hands out accounts',
    ),
    undecided(
      'nist-800-53-ac-6-least-privilege',
      'AC-6',
      'Whether each account needs what it may do',
      'the owner of the data, by sallyport explain',
    ),
    undecided(
      'nist-800-53-ac-7-by-account',
      'AC-7',
      'Whether shutting out addresses counts, where accounts are not locked',
      'the owner of the system',
    ),
    undecided('nist-800-53-au-6-reviews', 'AU-6', 'Whether somebody reads the records', 'whoever is on duty for them'),
    undecided('nist-800-53-au-8-time', 'AU-8', 'Whether the clock of the machine is right', 'whoever runs the machine'),
    undecided(
      'nist-800-53-cp-9-backups',
      'CP-9',
      'Backups of files, state and the key of the log',
      'whoever runs the machine',
    ),
    undecided(
      'nist-800-53-sc-13-validated-module',
      'SC-13',
      'Whether the module behind the FIPS provider is validated',
      "whoever looks it up in NIST's list of modules",
    ),
    undecided(
      'nist-800-53-si-2-updates',
      'SI-2',
      'Updates of Sallyport, Node and the system',
      'whoever runs the machine',
    ),
    undecided(
      'nist-800-53-organisation',
      'AT, CA, IR, MA, PE, PL, PM, PS, RA',
      'What people and premises do',
      'the organisation',
    ),
  ],
};
