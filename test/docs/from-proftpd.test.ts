import { expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { describeOptions } from '../config/described-options.ts';
import { codeIn, rowsOf, textOf } from './tables.ts';

const PAGE = 'docs/from-proftpd.md';
const rows = rowsOf(textOf(PAGE), 2);

/** What people have in their proftpd.conf. */
const DIRECTIVES = `
  ServerName ServerIdent ServerType ServerAdmin Port DefaultAddress SocketBindTight UseIPv6 User Group Umask MaxInstances
  <VirtualHost> <Global> DefaultServer Include LoadModule <IfModule> SystemLog DebugLevel TransferLog ExtendedLog TimesGMT
  IdentLookups UseReverseDNS MaxClients MaxClientsPerHost MaxClientsPerUser MaxLoginAttempts TimeoutLogin TimeoutIdle
  TimeoutNoTransfer TimeoutStalled TimeoutSession PassivePorts MasqueradeAddress AllowForeignAddress TransferRate
  AllowStoreRestart AllowRetrieveRestart HiddenStores DeleteAbortedStores MaxStoreFileSize UseSendfile AuthOrder
  AuthUserFile AuthPAM RequireValidShell RootLogin UseFtpUsers DefaultRoot <Anonymous> AccessGrantMsg DisplayLogin
  DisplayConnect DisplayChdir DeferWelcome <Limit> Allow Deny AllowAll DenyAll Order AllowUser DenyUser AllowGroup
  <Directory> AllowOverride <Class> AllowOverwrite HideFiles HideNoAccess PathDenyFilter DenyFilter ShowSymlinks
  ListOptions DirFakeUser TLSEngine TLSRequired TLSRSACertificateFile TLSRSACertificateKeyFile TLSProtocol TLSVerifyClient
  TLSCipherSuite
`
  .trim()
  .split(/\s+/);

/** Keys of files rather than of options, and those of single entries of `authentication`. */
const ELSEWHERE = ['include', 'modules', 'require_valid_shell', 'rejected_users'];

test(`${PAGE} leaves out nothing that people use`, () => {
  const explained = new Set(rows.flatMap(([cell = '']) => codeIn(cell)));
  expect(DIRECTIVES.filter((name) => !explained.has(name))).toEqual([]);
});

test(`every key that ${PAGE} names is there`, () => {
  const keys = describeOptions(gatewayOptions).map(({ key }) => key);
  // A section that has keys of its own is not listed by itself.
  const known = (name: string) => keys.some((key) => key === name || key.startsWith(`${name}.`));
  const named = rows.flatMap(([, cell = '']) => codeIn(cell)).filter((name) => /^[a-z_.[\]]+$/.test(name));
  const wrong = named.filter((name) => name !== 'gateway.sessions' && !known(name) && !ELSEWHERE.includes(name));
  expect(wrong).toEqual([]);
  expect(named.length).toBeGreaterThan(50);
});

test(`${PAGE} says a key, or why there is none`, () => {
  const silent = rows.filter(
    ([, cell = '']) =>
      codeIn(cell).length === 0 &&
      !/^(?:not here|always on|a host): /.test(`${cell}: `.replace(/^a host.*/, 'a host: ')),
  );
  expect(silent.map(([name]) => name)).toEqual([]);
});
