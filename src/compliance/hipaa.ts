/** HIPAA's Security Rule (45 CFR 164), as far as a configuration decides it. Titles are our own. */
import { idleSessions, lockout, ownNames, passwordHashes } from './account-checks.ts';
import { auditFailsClosed, auditKept, auditVerifies, receipts } from './audit-checks.ts';
import { type Framework, item, undecided } from './check.ts';
import { encryptionAtRest, fileModes, malwareGates, storageSync, writeOnce } from './file-checks.ts';
import { certificates, closeNotify, controlTls, dataTls, deliveriesOverTls, otherServers } from './tls-checks.ts';

/** The table. */
export const hipaa: Framework = {
  id: 'hipaa',
  name: 'HIPAA Security Rule, 45 CFR 164',
  caution:
    'Paragraph numbers were written down from memory: compare them with the text in force. What the rule calls addressable is ' +
    'asked here as if it were required; where you decided otherwise, record that as a compensating control.',
  items: [
    item(
      'hipaa-164.308-a-5-ii-b-malware-gates',
      '164.308(a)(5)(ii)(B)',
      'Uploads scanned before they are published',
      malwareGates,
    ),
    item('hipaa-164.312-a-1-file-modes', '164.312(a)(1)', 'Stored files closed to others on the machine', fileModes),
    item('hipaa-164.312-a-2-i-own-names', '164.312(a)(2)(i)', 'No login without a name of its own', ownNames),
    item(
      'hipaa-164.312-a-2-iii-idle-sessions',
      '164.312(a)(2)(iii)',
      'Idle sessions ended within 15 minutes',
      idleSessions,
    ),
    item(
      'hipaa-164.312-a-2-iv-encryption-at-rest',
      '164.312(a)(2)(iv)',
      'Uploads encrypted before they reach the disk',
      encryptionAtRest,
    ),
    item('hipaa-164.312-b-audit-log', '164.312(b)', 'Security events recorded', auditKept),
    item(
      'hipaa-164.312-b-fails-closed',
      '164.312(b)',
      'Nothing accepted while records cannot be written',
      auditFailsClosed,
    ),
    item('hipaa-164.312-b-log-verifies', '164.312(b)', 'Records whole and unaltered', auditVerifies),
    item('hipaa-164.312-c-1-storage-sync', '164.312(c)(1)', 'Acknowledged files on the disk', storageSync),
    item('hipaa-164.312-c-1-write-once', '164.312(c)(1)', 'No account changes or deletes what was uploaded', writeOnce),
    item('hipaa-164.312-c-2-receipts', '164.312(c)(2)', 'Signed receipts with the hash of each upload', receipts),
    item('hipaa-164.312-d-lockout', '164.312(d)', 'Guessing shut out after 10 tries, for 30 minutes', lockout),
    item(
      'hipaa-164.312-d-password-hashes',
      '164.312(d)',
      'Passwords kept as hashes that are slow to guess',
      passwordHashes,
    ),
    item(
      'hipaa-164.312-e-1-certificates',
      '164.312(e)(1)',
      'Certificates valid for 30 days more, keys strong enough',
      certificates,
    ),
    item('hipaa-164.312-e-1-control-tls', '164.312(e)(1)', 'Logins and commands over TLS only', controlTls),
    item('hipaa-164.312-e-1-data-tls', '164.312(e)(1)', 'Files and listings over TLS only', dataTls),
    item(
      'hipaa-164.312-e-2-i-close-notify',
      '164.312(e)(2)(i)',
      'Uploads that were cut off never taken for whole',
      closeNotify,
    ),
    item(
      'hipaa-164.312-e-2-ii-deliveries',
      '164.312(e)(2)(ii)',
      'Files handed on over TLS or on this machine',
      deliveriesOverTls,
    ),
    item(
      'hipaa-164.312-e-2-ii-other-servers',
      '164.312(e)(2)(ii)',
      'Directories and scanners asked over TLS or on this machine',
      otherServers,
    ),
  ],
  undecided: [
    undecided(
      'hipaa-164.308-safeguards',
      '164.308',
      'Risk analysis, workforce, training, contingency plans',
      'the organisation',
    ),
    undecided(
      'hipaa-164.310-premises',
      '164.310',
      'Who can reach the machine, and what becomes of its disks',
      'whoever runs the premises',
    ),
    undecided(
      'hipaa-164.312-a-2-ii-emergency',
      '164.312(a)(2)(ii)',
      'How data is reached in an emergency',
      'the owner of the data',
    ),
    undecided(
      'hipaa-164.312-d-by-account',
      '164.312(d)',
      'Whether shutting out addresses counts, where accounts are not locked',
      'whoever made the risk analysis',
    ),
    undecided(
      'hipaa-164.312-d-second-factor',
      '164.312(d)',
      'Whether a password alone is proof enough; the notes say who has more',
      'whoever made the risk analysis',
    ),
    undecided('hipaa-164.314-partners', '164.314', 'Contracts with business associates', 'the organisation'),
    undecided(
      'hipaa-164.316-documents',
      '164.316(b)(2)',
      'How long documents are kept, and whether records are among them',
      'the organisation; audit.retain_days is in the notes',
    ),
  ],
};
