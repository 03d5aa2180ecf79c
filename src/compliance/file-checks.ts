/** What is asked of files, of the places where they arrive, and of what can be reached besides. */
import { modeBits } from '../config/storage-options.ts';
import { alterersOf } from './alterers.ts';
import { type Check, type Evidence, listed, notApplicable, notDecided, type Outcome, passIf, seen } from './check.ts';
import type { Facts } from './facts.ts';
import { type Place, placeName } from './upload-places.ts';

/** What arrives is looked at by a scanner before anybody sees it. */
export const malwareGates: Check = {
  options: ['intake.gates', 'gates[].kind'],
  decide(facts) {
    const { uploads, options } = facts;
    if (uploads.length === 0) return noUploads();
    const kinds = new Map(options.gates.map(({ name, kind }) => [name, kind]));
    const scans = (name: string) => SCANNERS.has(kinds.get(name) ?? '');
    const ungated = uploads.filter(({ intake }) => intake.gates.length === 0);
    const unsure = uploads.filter(({ intake }) => intake.gates.length > 0 && !intake.gates.some(scans));
    const evidence = [
      seen('gates', listed(options.gates.map(({ name, kind }) => `${name} (${kind})`))),
      seen('places that take uploads', uploads.length),
      seen('of them without a gate', placesListed(ungated)),
      seen('of them with gates that are no scanner', placesListed(unsure)),
    ];
    if (ungated.length > 0) return passIf(false, ...evidence);
    if (unsure.length === 0) return passIf(true, ...evidence);
    return notDecided('whoever runs the programs behind those gates: whether they look for malware', ...evidence);
  },
};

/** What was uploaded nobody can change or take away: neither its account nor another one that reaches the directory. */
export const writeOnce: Check = {
  options: ['intake.profile', 'intake.allow', 'intake.collision', 'intake.retain_days', 'users[].permissions'],
  decide({ uploads, places }) {
    if (uploads.length === 0) return noUploads();
    const altered = uploads.flatMap((place) => {
      const alterers = alterersOf(place, places);
      return alterers.length === 0 ? [] : [{ place, told: `${placeName(place)} by ${listed(alterers)}` }];
    });
    const atOnce = altered.filter(({ place }) => place.intake.retainDays === undefined);
    const later = altered.filter(({ place }) => place.intake.retainDays !== undefined);
    const evidence = [
      seen('places that take uploads', uploads.length),
      seen('of them where uploads can be changed or deleted', listed(atOnce.map(({ told }) => told))),
      seen('of them where that is so behind retain_days', listed(later.map(({ told }) => told))),
      ...(later.length === 0 ? [] : [shortest(later.map(({ place }) => place))]),
    ];
    if (atOnce.length > 0) return passIf(false, ...evidence);
    return later.length === 0 ? passIf(true, ...evidence) : notDecided(LONG_ENOUGH, ...evidence);
  },
};

/** What has arrived is kept for a year. Whether less is enough no configuration shows. */
export const retention: Check = {
  options: ['intake.retain_days'],
  decide({ uploads }) {
    if (uploads.length === 0) return noUploads();
    const open = uploads.filter(({ intake }) => intake.retainDays === undefined);
    const brief = uploads.filter(({ intake: { retainDays } }) => retainDays !== undefined && retainDays < YEAR_DAYS);
    const evidence = [
      seen('places that take uploads', uploads.length),
      seen('of them without retain_days', placesListed(open)),
      seen(`of them with less than ${YEAR_DAYS}`, placesListed(brief)),
      shortest(uploads),
    ];
    if (open.length > 0) return passIf(false, ...evidence);
    return brief.length === 0 ? passIf(true, ...evidence) : notDecided(LONG_ENOUGH, ...evidence);
  },
};

/** What has arrived is encrypted for somebody else before anything of it is written. */
export const encryptionAtRest: Check = {
  options: ['intake.encrypt_to'],
  decide: (facts) => everyUpload(facts, 'without encrypt_to', ({ intake }) => intake.encryptTo.length > 0),
};

/** What was acknowledged is on the disk. */
export const storageSync: Check = {
  options: ['storage.sync'],
  decide: ({ options: { storage } }) => passIf(storage.sync, seen('storage.sync', storage.sync)),
};

/** Others on the machine cannot read what was stored. */
export const fileModes: Check = {
  options: ['storage.file_mode', 'storage.directory_mode', 'users[].permissions'],
  decide({ options: { storage }, places }) {
    const { fileMode, directoryMode } = storage;
    // SITE CHMOD and MFF set any mode.
    const openers = places.filter(({ letters }) => letters.has('M'));
    return passIf(
      openers.length === 0 && [fileMode, directoryMode].every((mode) => (modeBits(mode) & OTHERS) === 0),
      seen('storage.file_mode', fileMode),
      seen('storage.directory_mode', directoryMode),
      seen('places where an account may set other modes (M)', placesListed(openers)),
    );
  },
};

/** The numbers for monitoring, which are clear text, are not for the public. */
export const privateMetrics: Check = {
  options: ['metrics.host'],
  decide({ options: { metrics } }) {
    if (metrics === undefined) return notApplicable(seen('metrics', undefined));
    return passIf(isPrivate(metrics.host), seen('metrics.host', metrics.host), seen('metrics.port', metrics.port));
  },
};

/** Data connections go to clients and come from them, and from nobody else. */
export const dataPeers: Check = {
  options: ['active.foreign_addresses', 'active.privileged_ports', 'passive.foreign_addresses', 'active.enabled'],
  decide({ options: { active, passive } }) {
    const outward = active.enabled && (active.foreignAddresses.length > 0 || active.privilegedPorts);
    return passIf(
      !outward && passive.foreignAddresses.length === 0,
      seen('active.enabled', active.enabled),
      seen('active.foreign_addresses', listed(active.foreignAddresses.map(String))),
      seen('active.privileged_ports', active.privilegedPorts),
      seen('passive.foreign_addresses', listed(passive.foreignAddresses.map(String))),
    );
  },
};

const SCANNERS: ReadonlySet<string> = new Set(['clamd', 'icap']);
const OTHERS = 0o007;

/** Whether an address is one of this machine or of a network that is not routed (RFC 1918, RFC 4193, link-local). */
function isPrivate(address: string): boolean {
  if (/^(?:127|10)\./.test(address) || /^(?:192\.168|169\.254)\./.test(address)) return true;
  return /^172\.(?:1[6-9]|2[0-9]|3[01])\./.test(address) || /^(?:::1$|f[cd]|fe[89ab])/i.test(address);
}

const YEAR_DAYS = 365;
const LONG_ENOUGH = 'the owner of the data: whether so many days are enough';

function shortest(places: readonly Place[]): Evidence {
  const days = places.flatMap(({ intake: { retainDays } }) => retainDays ?? []);
  return seen('the shortest retain_days', days.length === 0 ? undefined : Math.min(...days));
}

function everyUpload({ uploads }: Facts, lacking: string, holds: (place: Place) => boolean): Outcome {
  if (uploads.length === 0) return noUploads();
  const open = uploads.filter((place) => !holds(place));
  return passIf(
    open.length === 0,
    seen('places that take uploads', uploads.length),
    seen(`of them ${lacking}`, placesListed(open)),
  );
}

function noUploads(): Outcome {
  return notApplicable(seen('places that take uploads', 0));
}

function placesListed(places: readonly Place[]): string {
  return listed(places.map(placeName));
}
