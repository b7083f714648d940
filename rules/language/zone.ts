// `timezone: profile.timezone` or `timezone: Europe/Berlin`: the zone in which a person's days and hours are counted.
//
// Invariants:
//   Z1. There is always a zone: where the attribute is unset, or names no zone, it is UTC.

import type { JsonObject } from '../../schemas/json.ts';

export interface Zone {
  readonly readsProfile: boolean;
  of(profile: JsonObject): string;
}

const ATTRIBUTE = /^profile\.([A-Za-z_][A-Za-z0-9_]*)$/;
/** Names come from profiles; this many answers are kept, far more than there are zones. */
const KNOWN_MAX = 2_000;
const known = new Map<string, boolean>();

export const UTC: Zone = { readsProfile: false, of: () => 'UTC' };

/** Null: the text is neither an attribute of the profile nor a time zone. */
export function parseZone(text: string): Zone | null {
  const [, attribute] = ATTRIBUTE.exec(text) ?? [];
  if (attribute !== undefined) {
    return {
      readsProfile: true,
      of: (profile) => {
        const name = Object.hasOwn(profile, attribute) ? profile[attribute] : null;
        return typeof name === 'string' && isZone(name) ? name : 'UTC';
      },
    };
  }
  return isZone(text) ? { readsProfile: false, of: () => text } : null;
}

export const ZONE_HINT = 'such as profile.timezone, Europe/Berlin or UTC';

function isZone(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  let found = true;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
  } catch {
    found = false;
  }
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, found);
  return found;
}
