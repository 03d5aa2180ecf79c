/**
 * `sallyport/testing`: test an FTPS client against a real gateway, and an extension against its contract.
 *
 * ```ts
 * await using gateway = await startTestGateway();
 * await myClient.connect(gateway.host, gateway.port, { ca: gateway.ca, user: gateway.user, password: gateway.password });
 * assert.equal(gateway.files.bytesOf(virtualPath('/report.csv'))?.toString(), 'a,b');
 * ```
 */
export { FakeClock } from './lib/clock.ts';
export { MemoryFiles } from './storage/memory.ts';
export type { AuthenticatorSubject } from './testing/authenticator-conformance.ts';
export { authenticatorConformance } from './testing/authenticator-conformance.ts';
export type { ConformanceCase } from './testing/conformance.ts';
export { virtualPath } from './testing/conformance.ts';
export { fileSystemConformance } from './testing/file-system-conformance.ts';
export type { TestGateway, TestGatewayOptions } from './testing/test-gateway.ts';
export { startTestGateway } from './testing/test-gateway.ts';
