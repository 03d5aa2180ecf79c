/**
 * Active Directory, or any other LDAP server: people log in with the passwords that they have there. A read-only account
 * finds them, and their groups come along, so that rules can name them.
 *
 * Run: `npx sallyport cert dev` once, then `node active-directory.ts` with LDAP_URL (ldaps://dc1.corp.example), LDAP_BASE
 * (dc=corp,dc=example), LDAP_READER (cn=gateway,cn=Users,dc=corp,dc=example) and the reader's password in `ldap-password`
 * (chmod 600). LDAP_FILTER and LDAP_NAME are for other servers than Active Directory, LDAP_CA_FILE for an authority of
 * one's own.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, createLogger } from 'sallyport';

const { LDAP_URL = '', LDAP_BASE = '', LDAP_READER = '', LDAP_CA_FILE: caFile } = process.env;
const { LDAP_FILTER = '(&(objectClass=user)(sAMAccountName={user}))', LDAP_NAME = 'sAMAccountName' } = process.env;

const home = resolve('files');
await mkdir(home, { recursive: true });

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    authentication: [
      {
        type: 'ldap',
        url: LDAP_URL,
        caFile,
        search: { base: LDAP_BASE, filter: LDAP_FILTER, bindDn: LDAP_READER, passwordFile: 'ldap-password' },
        name: LDAP_NAME,
        groups: { attribute: 'memberOf' },
        account: { home, permissions: 'elrw' },
      },
    ],
  },
  { log: createLogger({ level: 'info', format: 'auto' }) },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
