/** How failures cross between the processes of one gateway: what callers tell apart arrives as what it was. */
import { z } from 'zod';
import type { FailureForm } from '../../lib/correspondent.ts';
import { AuditFailed } from '../../spi/audit.ts';
import { Fault, isFaultKind } from '../../spi/fault.ts';

const text = z.string();
const written = z.discriminatedUnion('was', [
  z.strictObject({ was: z.literal('Fault'), kind: text.refine(isFaultKind), text, cause: text.optional() }),
  z.strictObject({ was: z.literal('AuditFailed'), message: text, kept: z.boolean(), cause: text.optional() }),
  z.strictObject({ was: z.literal('RangeError'), message: text }),
  z.strictObject({ was: z.literal('Error'), message: text, cause: text.optional() }),
]);

/** A failure on its way. */
type Written = z.input<typeof written>;

/** Faults, failures of the audit log and places that are not there cross as such; all else as an error with the other's stack. */
export const crossing: FailureForm = {
  write(error): Written {
    const cause = error instanceof Error ? causeOf(error.cause) : {};
    if (error instanceof Fault) return { was: 'Fault', kind: error.kind, text: error.text, ...cause };
    if (error instanceof AuditFailed) return { was: 'AuditFailed', message: error.message, kept: error.kept, ...cause };
    if (error instanceof RangeError) return { was: 'RangeError', message: error.message };
    if (error instanceof Error) return { was: 'Error', message: error.message, ...causeOf(error) };
    return { was: 'Error', message: String(error) };
  },
  read(what): Error {
    const read = written.safeParse(what);
    if (!read.success) return new Error('a failure that cannot be read', { cause: read.error });
    const { data } = read;
    const cause = 'cause' in data && data.cause !== undefined ? { cause: new Error(data.cause) } : {};
    switch (data.was) {
      case 'Fault':
        return new Fault(data.kind, { text: data.text, ...cause });
      case 'AuditFailed':
        return new AuditFailed(data.message, { kept: data.kept, ...cause });
      case 'RangeError':
        return new RangeError(data.message);
      case 'Error':
        return new Error(data.message, cause);
    }
  },
};

/** For the log of the other process. */
function causeOf(cause: unknown): { readonly cause?: string } {
  if (cause === undefined) return {};
  return { cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
}
