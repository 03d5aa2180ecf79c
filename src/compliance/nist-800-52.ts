/** NIST SP 800-52 Revision 2 (TLS), as far as a configuration decides it. Its text was not at hand. */
import { type Framework, item, undecided } from './check.ts';
import { certificates, controlTls, dataTls, fipsMode, nistAlgorithms, nistKeyKinds } from './tls-checks.ts';

/** The table. */
export const nist80052: Framework = {
  id: 'nist-800-52',
  name: 'NIST SP 800-52 Revision 2',
  caution:
    'The text of this publication was not at hand when the table was written: section numbers and what is asked are from memory. ' +
    'Compare both with the publication before you rely on a line of this.',
  items: [
    item('nist-800-52-3.1-control-tls', '3.1', 'Logins and commands over TLS 1.2 or later only', controlTls),
    item('nist-800-52-3.1-data-tls', '3.1', 'Files and listings over TLS 1.2 or later only', dataTls),
    item(
      'nist-800-52-3.2-certificates',
      '3.2',
      'Certificates valid for 30 days more, keys strong enough',
      certificates,
    ),
    item(
      'nist-800-52-3.2-key-kinds',
      '3.2',
      "Keys of RSA or NIST's curves, none of 112 bits used after 2030",
      nistKeyKinds,
    ),
    item('nist-800-52-3.3-algorithms', '3.3', "Suites, groups and signatures among NIST's", nistAlgorithms),
    item('nist-800-52-3.3-fips-mode', '3.3', 'Only what a FIPS provider has can be used', fipsMode),
  ],
  undecided: [
    undecided(
      'nist-800-52-3.3-validated-module',
      '3.3',
      'Whether the module behind the FIPS provider is validated, in this version',
      "whoever looks it up in NIST's list of modules",
    ),
    undecided(
      'nist-800-52-3.3-hybrid-groups',
      '3.3',
      'Whether ML-KEM joined with ECDH counts; post_quantum: off leaves it out',
      'whoever reads the papers of the module',
    ),
    undecided(
      'nist-800-52-3.5-client-certificates',
      '3.5',
      'Whether clients have to show certificates; the notes say what is asked of them',
      'the owner of the data',
    ),
    undecided('nist-800-52-3.8-operation', '3.8', 'How keys are made, kept and replaced', 'whoever runs the gateway'),
    undecided(
      'nist-800-52-4-clients',
      '4',
      'What the partners’ clients do',
      'the partners; sallyport tls inventory shows what was seen',
    ),
  ],
};
