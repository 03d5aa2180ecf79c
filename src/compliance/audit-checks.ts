/** What is asked of records: that they are made, cannot be altered unseen, are kept, and that nothing goes on without them. */
import { type Check, type Evidence, notDecided, type Outcome, passIf, seen } from './check.ts';
import type { Facts } from './facts.ts';

/** There is an audit log. */
export const auditKept: Check = {
  options: ['audit.requirement', 'state_directory'],
  decide: (facts) => passIf(isKept(facts), ...requirementSeen(facts)),
};

/** Nothing is accepted while the log cannot be written. */
export const auditFailsClosed: Check = {
  options: ['audit.requirement'],
  decide: (facts) => passIf(isKept(facts) && facts.options.audit.requirement === 'required', ...requirementSeen(facts)),
};

/** The log that is there is whole and unaltered, by the key on this machine. */
export const auditVerifies: Check = {
  options: ['audit.requirement', 'state_directory', 'audit.key_file'],
  decide({ auditLog, nowMs }): Outcome {
    switch (auditLog.state) {
      case 'off':
        return passIf(false, seen('audit log', 'there is none'));
      case 'damaged':
        return passIf(false, seen(`audit log in ${auditLog.directory}`, `does NOT verify: ${auditLog.why}`));
      case 'verified':
        return passIf(
          true,
          seen(
            `audit log in ${auditLog.directory}`,
            `verifies with the key on this machine, ${auditLog.records} records`,
          ),
          checkpointSeen(auditLog.checkpointMs, nowMs),
        );
      case 'absent':
        return notDecided(
          'whoever runs the gateway, once it has run',
          seen(`audit log in ${auditLog.directory}`, 'not begun yet'),
        );
      default:
        return notDecided(
          'whoever may read the log, with sallyport audit verify',
          seen(`audit log in ${auditLog.directory}`, `could not be looked at: ${auditLog.why}`),
        );
    }
  },
};

/** Records are kept for a year. */
export const auditRetention: Check = {
  options: ['audit.retain_days', 'audit.requirement'],
  decide(facts) {
    const { retainDays } = facts.options.audit;
    const long = retainDays === undefined || retainDays >= YEAR_DAYS;
    return passIf(
      isKept(facts) && long,
      seen('audit.retain_days', retainDays ?? 'not set: kept for ever'),
      ...requirementSeen(facts),
    );
  },
};

/** The other log, of what goes wrong, has logins and refusals too. */
export const logLevel: Check = {
  options: ['log.level'],
  decide: ({ options: { log } }) => passIf(log.level === 'info' || log.level === 'debug', seen('log.level', log.level)),
};

/** Every published upload has a signed receipt that its sender can verify. */
export const receipts: Check = {
  options: ['audit.requirement', 'state_directory'],
  decide: (facts) =>
    passIf(
      isKept(facts) && facts.options.audit.requirement === 'required',
      ...requirementSeen(facts),
      seen('receipts', 'are proofs of records: an upload without a record has none'),
    ),
};

/** What was negotiated with each partner is remembered. */
export const tlsInventory: Check = {
  options: ['tls.inventory_file'],
  decide({ options: { tls }, inventory }) {
    const file = seen('tls.inventory_file', tls.inventoryFile);
    switch (inventory.state) {
      case 'kept':
        return passIf(true, file, seen('the file', `kept since ${dayOf(inventory.sinceMs)}`));
      case 'absent':
        return notDecided('whoever runs the gateway, once it has run', file, seen('the file', 'not written yet'));
      default:
        return passIf(false, file, seen('the file', inventory.state));
    }
  },
};

/** Twelve months. */
const YEAR_DAYS = 365;

function isKept({ options: { audit, stateDirectory } }: Facts): boolean {
  return audit.requirement !== 'off' && stateDirectory !== undefined;
}

function requirementSeen({ options: { audit, stateDirectory } }: Facts): readonly Evidence[] {
  return [seen('audit.requirement', audit.requirement), seen('state_directory', stateDirectory)];
}

/** A checkpoint has no time of its own; that of its file is what there is. */
export function checkpointSeen(checkpointMs: number | undefined, nowMs: number): Evidence {
  if (checkpointMs === undefined) return seen('last checkpoint', 'none published');
  const minutes = Math.max(0, Math.round((nowMs - checkpointMs) / 60_000));
  return seen(
    'last checkpoint',
    `${new Date(checkpointMs).toISOString()}, ${minutes} minutes old, by the time of its file`,
  );
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
