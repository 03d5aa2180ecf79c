/**
 * Sallyport as a library: the same gateway that the `sallyport` command runs, inside a program or a test, and all that an
 * extension is written with. `docs/extending.md` says what to write for which wish.
 *
 * ```ts
 * const gateway = createGateway({ listen: [{ port: 0 }], tls: { certificate, key }, users: [...] });
 * await gateway.start();
 * console.log(gateway.addresses);
 * await gateway.close();
 * ```
 */
export { z } from 'zod';
export type { AccountAnswer, EntryParts, SecondFactor } from './auth/compose.ts';
export { authenticatorOf } from './auth/compose.ts';
export { hashPassword, verifyPassword } from './auth/password-hash.ts';
export { TotpLedger } from './auth/totp.ts';
export type { GuestOptions, TableUser, UserTable } from './auth/user-table.ts';
export { UserRefused } from './auth/user-table.ts';
export type { UserOptions, UserOptionsInput } from './auth/users.ts';
export type { GatewayOptions, GatewayOptionsInput, GatewayOptionsInputWith } from './config/options.ts';
export type { Clock, Timer } from './lib/clock.ts';
export { systemClock } from './lib/clock.ts';
export { decorate } from './lib/decorate.ts';
export { Secret } from './lib/secret.ts';
export type {
  AccountEvent,
  DisconnectEvent,
  FileEvent,
  GatewayEvents,
  IncompleteFileEvent,
  LoginFailedEvent,
  SessionEvent,
} from './modules/observers.ts';
export type { DirectoryEntry, FileFacts } from './protocol/file-facts.ts';
export type { Limits } from './protocol/limits.ts';
export type { Reply } from './protocol/reply.ts';
export { isPositive, reply } from './protocol/reply.ts';
export type { VirtualPath } from './protocol/virtual-path.ts';
export { baseName, isWithin, parentOf, ROOT, resolvePath } from './protocol/virtual-path.ts';
export { CertificatesRefused, type GatewayCertificate } from './server/certificates.ts';
export { AuthoritiesRefused } from './server/client-authorities.ts';
export type { UserTableOptions } from './server/create-user-table.ts';
export { createUserTable } from './server/create-user-table.ts';
export { createGateway } from './server/gateway.ts';
export type { Gateway, GatewayAddress, GatewayParts } from './server/gateway-parts.ts';
export type { GatewaySession } from './server/gateway-session.ts';
export type { LogOptions } from './server/logger.ts';
export { createLogger } from './server/logger.ts';
export type { ReloadedPart, ReloadOutcome } from './server/reload.ts';
export type { LiveRates } from './server/transfer-rates.ts';
export type { ArgumentKind, ArgumentShape, ArgumentSpec } from './spi/argument.ts';
export { NOTHING, PATH, PATH_OR_CWD, text, twoPaths } from './spi/argument.ts';
export type {
  AuditEventName,
  AuditLog,
  AuditOrigin,
  AuditRecord,
  AuditValue,
  AuditWho,
  LoggedRecord,
} from './spi/audit.ts';
export type {
  Account,
  Authenticator,
  CertificateDemand,
  Credentials,
  Identity,
  IdentitySource,
  Proof,
  Prover,
  Requirement,
  Verdict,
} from './spi/authenticator.ts';
export type { Charset } from './spi/charset.ts';
export type {
  CommandClass,
  CommandContext,
  CommandDefinition,
  CommandSpec,
  CommandTraits,
  DataUse,
  Outcome,
  Policy,
  RefusalSpec,
  RunningTransfer,
  SessionSummary,
} from './spi/command.ts';
export { defineCommand, defineRefusal } from './spi/command.ts';
export type { DataEnd } from './spi/data-end.ts';
export type { DataConnection, DataPort, Direction } from './spi/data-port.ts';
export type { Directive, DirectiveContext, DirectiveSpec, DirectorySection } from './spi/directive.ts';
export { defineDirective } from './spi/directive.ts';
export type { FaultKind } from './spi/fault.ts';
export { Fault, orFault } from './spi/fault.ts';
export type {
  EntriesWanted,
  ExistingFile,
  FileSystem,
  HeldFile,
  OpenedFile,
  StagedWrite,
  StageRequest,
} from './spi/file-system.ts';
export type { Gate, GateItem, GateVerdict } from './spi/gate.ts';
export { defineGate } from './spi/gate.ts';
export type { Log, LogFields } from './spi/log.ts';
export { silentLog } from './spi/log.ts';
export type {
  Declined,
  Errored,
  Handled,
  HandlerOf,
  Module,
  Phase,
  PhaseHandler,
  PhaseHandles,
  Request,
  ResponseChains,
  Result,
} from './spi/module.ts';
export { DECLINED, defineModule, ERROR, HANDLED } from './spi/module.ts';
export type { DirectoryRule, PermissionLetter, Permitted } from './spi/permissions.ts';
export { parsePermissions } from './spi/permissions.ts';
export type {
  ByteRange,
  Endpoint,
  HashAlgorithm,
  LoginProof,
  LoginState,
  ProtectionLevel,
  Session,
  SessionChange,
  TransferMode,
  TransferType,
} from './spi/session.ts';
export type { Settings } from './spi/settings.ts';
export type { ClientCertificate, TlsFacts } from './spi/tls-facts.ts';
export type { LocalHome, LocalStorage } from './storage/local.ts';
export { createLocalStorage } from './storage/local.ts';
export type { MemoryOptions } from './storage/memory.ts';
export { MemoryFiles } from './storage/memory.ts';
export type { Rates } from './transfer/throttle.ts';
