// Who is held out: a share of all entities, by a hash that anybody can compute (docs/rules.md, Hold-outs).
//
// Invariants:
//   O1. Who is held out follows from the group (or rule) and the entity alone: the same in every run, and whatever the
//       share, so that a larger share holds out everyone that a smaller one did.

import { hash } from 'node:crypto';

export interface HeldOutShare {
  /** 0 to 1. */
  readonly share: number;
  /** The same for rules that hold out the same entities: `group <name>`, or `rule <id>` of a rule alone. */
  readonly group: string;
}

/** A share from `10%`; null when it is none, or above 100 %. */
export function parseShare(text: string): number | null {
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  return share >= 0 && share <= 1 ? share : null;
}

/** `entityKey`: type/id. */
export function isHeldOut({ share, group }: HeldOutShare, entityKey: string): boolean {
  const place = Number.parseInt(hash('sha256', `hold-out\0${group}\0${entityKey}`).slice(0, 8), 16);
  return place / 0x1_0000_0000 < share;
}
