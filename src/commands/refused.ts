/**
 * What the documents define and this gateway refuses on purpose, each with the code that its document has for that. They
 * stand in the table so that nobody has to wonder whether they were forgotten.
 */
import { defineRefusal } from '../spi/command.ts';

/** CCC: would send the rest of the session in clear. 533 and 534 are those of RFC 4217 section 5. */
const ccc = defineRefusal({
  verb: 'CCC',
  class: 'security',
  rfc: 'RFC 4217 section 5',
  code: 534,
  codeInClear: 533,
  why: 'The control channel stays protected: names and commands are as confidential as files.',
});

/** ADAT: AUTH TLS completes the exchange by itself, and then or without AUTH the code is 503. */
const adat = defineRefusal({
  verb: 'ADAT',
  class: 'security',
  rfc: 'RFC 2228 section 3',
  code: 503,
  why: 'AUTH TLS needs no further security data (RFC 4217 section 4.2).',
});

/** MIC, CONF and ENC wrap commands one by one; TLS, the only mechanism here, protects the whole channel. */
const wrappers = ['MIC', 'CONF', 'ENC'].map((verb) =>
  defineRefusal({
    verb,
    class: 'security',
    rfc: 'RFC 2228 section 3',
    code: 537,
    codeInClear: 503,
    why: 'Commands are protected by TLS as a whole, not one by one.',
  }),
);

/** SMNT: an account has one tree of files and nothing else to mount. */
const smnt = defineRefusal({
  verb: 'SMNT',
  class: 'directories',
  rfc: 'RFC 959 section 4.1.1',
  code: 502,
  why: 'There is one tree of files for each account and nothing else to mount.',
});

/** The commands of this file. */
export const REFUSED = [ccc, adat, ...wrappers, smnt];
