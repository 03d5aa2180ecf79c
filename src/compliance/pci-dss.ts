/** PCI DSS 4.0.1, as far as a configuration decides it. Numbers are from memory, titles our own. */
import { idleSessions, inactiveAccounts, lockout, ownNames, passwordHashes, secondFactor } from './account-checks.ts';
import { auditFailsClosed, auditKept, auditRetention, auditVerifies, logLevel, tlsInventory } from './audit-checks.ts';
import { type Framework, item, undecided } from './check.ts';
import { dataPeers, fileModes, malwareGates, privateMetrics } from './file-checks.ts';
import { certificates, controlTls, dataTls, deliveriesOverTls, otherServers } from './tls-checks.ts';

/** The table. */
export const pciDss: Framework = {
  id: 'pci-dss',
  name: 'PCI DSS 4.0.1',
  caution:
    'Paragraph numbers were written down from memory, without the text of the standard at hand: compare them with your edition.',
  items: [
    item('pci-dss-1.4.2-data-peers', '1.4.2', 'Data connections to and from the client alone', dataPeers),
    item('pci-dss-2.2.5-metrics', '2.2.5', 'No numbers in clear text for the public', privateMetrics),
    item('pci-dss-2.2.6-file-modes', '2.2.6', 'Stored files closed to others on the machine', fileModes),
    item('pci-dss-4.2.1-control-tls', '4.2.1', 'Logins and commands over TLS only', controlTls),
    item('pci-dss-4.2.1-data-tls', '4.2.1', 'Files and listings over TLS only', dataTls),
    item(
      'pci-dss-4.2.1-certificates',
      '4.2.1',
      'Certificates valid for 30 days more, keys strong enough',
      certificates,
    ),
    item(
      'pci-dss-4.2.1-other-servers',
      '4.2.1',
      'Directories and scanners asked over TLS or on this machine',
      otherServers,
    ),
    item('pci-dss-4.2.1-deliveries', '4.2.1', 'Files handed on over TLS or on this machine', deliveriesOverTls),
    item('pci-dss-5.3.2-malware-gates', '5.3.2', 'Uploads scanned before they are published', malwareGates),
    item('pci-dss-8.2.1-own-names', '8.2.1', 'No login without a name of its own', ownNames),
    item('pci-dss-8.2.6-inactive-accounts', '8.2.6', 'Accounts unused for 90 days switched off', inactiveAccounts),
    item('pci-dss-8.2.8-idle-sessions', '8.2.8', 'Idle sessions ended within 15 minutes', idleSessions),
    item('pci-dss-8.3.2-password-hashes', '8.3.2', 'Passwords kept as hashes that are slow to guess', passwordHashes),
    item('pci-dss-8.3.4-lockout', '8.3.4', 'Guessing shut out after 10 tries, for 30 minutes', lockout),
    item('pci-dss-8.4.2-second-factor', '8.4.2', 'A second factor for every login', secondFactor),
    item('pci-dss-10.2.1-audit-log', '10.2.1', 'Security events recorded', auditKept),
    item('pci-dss-10.2.1-log-level', '10.2.1', 'Logins and refusals in the operating log too', logLevel),
    item('pci-dss-10.3.4-log-verifies', '10.3.4', 'Records whole and unaltered', auditVerifies),
    item('pci-dss-10.5.1-log-retention', '10.5.1', 'Records kept for twelve months', auditRetention),
    item('pci-dss-10.7.2-fails-closed', '10.7.2', 'Nothing accepted while records cannot be written', auditFailsClosed),
    item('pci-dss-12.3.3-tls-inventory', '12.3.3', 'What is negotiated with each partner is known', tlsInventory),
  ],
  undecided: [
    undecided('pci-dss-1-network', '1', 'Firewalls and segments', 'whoever runs the network'),
    undecided(
      'pci-dss-3-stored-data',
      '3',
      'Which files hold card data, how long they stay, how disks are encrypted',
      'the owner of the data',
    ),
    undecided(
      'pci-dss-4.2.1.1-certificate-inventory',
      '4.2.1.1',
      'The list of keys and certificates in use',
      'whoever keeps that list; sallyport check prints those of this gateway',
    ),
    undecided('pci-dss-6.3-updates', '6.3', 'Updates of Sallyport, Node and the system', 'whoever runs the machine'),
    undecided(
      'pci-dss-7-need-to-know',
      '7',
      'Whether each account needs what it may do',
      'the owner of the data, by sallyport explain',
    ),
    undecided(
      'pci-dss-8.2.2-shared-accounts',
      '8.2.2',
      'Whether several people use one account',
      'whoever hands out accounts',
    ),
    undecided(
      'pci-dss-8.3.4-by-account',
      '8.3.4',
      'Whether shutting out addresses counts, where accounts are not locked',
      'your assessor',
    ),
    undecided(
      'pci-dss-8.3.6-password-length',
      '8.3.6',
      'Length of passwords, which no hash shows',
      'whoever sets passwords; sallyport user --generate makes 24 characters',
    ),
    undecided('pci-dss-9-premises', '9', 'Who can reach the machine', 'whoever runs the premises'),
    undecided('pci-dss-10.4-reviews', '10.4', 'Whether somebody reads the records', 'whoever is on duty for them'),
    undecided('pci-dss-10.6-time', '10.6', 'Whether the clock of the machine is right', 'whoever runs the machine'),
    undecided(
      'pci-dss-11-tests',
      '11',
      'Scans and penetration tests',
      'whoever is charged with them; sallyport probe is none',
    ),
    undecided('pci-dss-12-policies', '12', 'Policies, training, and agreements with partners', 'the organisation'),
  ],
};
