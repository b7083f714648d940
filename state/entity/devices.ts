// The person's devices, to which push messages go.
//
// Invariants:
//   D1. At most DEVICES_MAX, of which the one seen longest ago goes first (I8).

import type { Device } from '../../schemas/action.ts';
import * as binary from '../../schemas/binary.ts';
import type { Json } from '../../schemas/json.ts';
import type { Sections, StateCodec } from '../../schemas/section.ts';

/** More than a person carries; tokens change, and old ones are told apart only by what the provider says. */
const DEVICES_MAX = 20;

export interface KnownDevice {
  readonly device: Device;
  /** Event time, ms. */
  readonly lastSeen: number;
}

export const knownDevices: StateCodec<KnownDevice[]> = {
  kind: 'devices',
  version: 1,
  ...binary.list(
    binary.record<KnownDevice>({
      device: {
        write: (device: Device, out) => binary.json.write(device as unknown as Json, out),
        read: (input) => binary.json.read(input) as unknown as Device,
      },
      lastSeen: binary.integer,
    }),
  ),
};

/** In the order in which they were first seen. */
export function devicesOf(sections: Sections): readonly KnownDevice[] {
  return sections.open(knownDevices) ?? [];
}

/** The device was seen at `at`; another with the same id, or the same token, is this one. */
export function seeDevice(sections: Sections, device: Device, at: number): void {
  const known = devicesOf(sections);
  const same = known.find((one) => isSame(one.device, device));
  if (same !== undefined && same.lastSeen > at) return;
  const others = known.filter((one) => one !== same);
  const all =
    same === undefined
      ? [...others, { device, lastSeen: at }]
      : known.map((one) => (one === same ? { device, lastSeen: at } : one));
  const surplus = all.length - DEVICES_MAX;
  const oldest = surplus > 0 ? Math.min(...all.map(({ lastSeen }) => lastSeen)) : -1;
  const dropped = surplus > 0 ? all.find(({ lastSeen }) => lastSeen === oldest) : undefined;
  sections.put(
    knownDevices,
    all.filter((one) => one !== dropped),
  );
}

/** What was seen after `at` is there again, whatever was said then. */
export function forgetDevice(sections: Sections, id: string, at: number): void {
  const known = devicesOf(sections);
  const left = known.filter(({ device, lastSeen }) => device.id !== id || lastSeen > at);
  if (left.length < known.length) sections.put(knownDevices, left.length === 0 ? null : left);
}

function isSame(a: Device, b: Device): boolean {
  return a.id === b.id || (a.token !== null && a.token === b.token);
}
