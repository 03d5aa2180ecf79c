import { expect, test } from 'vitest';
import { codeIn, missingTest, rowsOf, textOf } from './tables.ts';

const PAGE = 'docs/from-pyftpdlib.md';
const rows = rowsOf(textOf(PAGE), 3);

/** Every name that pyftpdlib's API reference explains. */
const API = `
  log logline logerror
  DummyAuthorizer add_user msg_login msg_quit add_anonymous override_perm validate_authentication impersonate_user
  terminate_impersonation remove_user
  FTPHandler timeout banner max_login_attempts permit_foreign_addresses permit_privileged_ports masquerade_address
  masquerade_address_map passive_ports use_gmt_times tcp_no_delay use_sendfile on_connect on_disconnect on_login
  on_login_failed on_logout on_file_sent on_file_received on_incomplete_file_sent on_incomplete_file_received
  DTPHandler ac_in_buffer_size ac_out_buffer_size ThrottledDTPHandler read_limit write_limit
  FTPServer max_cons max_cons_per_ip serve_forever close close_all
  AbstractedFS root cwd ftpnorm ftp2fs fs2ftp validpath open mkdir chdir listdir rmdir remove rename chmod stat lstat
  readlink isfile islink isdir getsize getmtime realpath lexists mkstemp
  TLS_FTPHandler certfile keyfile tls_control_required tls_data_required UnixAuthorizer global_perm
  allowed_users rejected_users require_valid_shell override_user UnixFilesystem
  WindowsAuthorizer
`
  .trim()
  .split(/\s+/);

test(`${PAGE} leaves no name of the API out`, () => {
  const explained = new Set(rows.flatMap(([cell = '']) => codeIn(cell)).map((name) => name.replace(/\(.*/, '')));
  expect(API.filter((name) => !explained.has(name))).toEqual([]);
  expect(API.length).toBeGreaterThan(75);
});

test(`every test that ${PAGE} names is there`, () => {
  expect(rows.flatMap(([, , cell = '']) => missingTest(cell) ?? [])).toEqual([]);
  expect(rows.length).toBeGreaterThan(60);
});

test('a test that is not there is found out', () => {
  expect(missingTest('`test/docs/from-pyftpdlib.test.ts`: a test that is not there is found out')).toBeUndefined();
  expect(missingTest('`test/docs/from-pyftpdlib.test.ts`: another one')).toContain('has no test');
  expect(missingTest('`test/docs/nowhere.test.ts`: any')).toContain('there is no');
  expect(missingTest('shown elsewhere')).toContain('names no test');
});
