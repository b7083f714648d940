// Devices as they come in: from an app's events, from a browser's subscription, by command.

import { hash } from 'node:crypto';
import type { Device } from './action.ts';
import { isJsonObject, type Json } from './json.ts';

const TYPES: readonly string[] = ['android', 'ios', 'web'];

/** The id of a device that has none of its own: by its token. */
export function deviceId(token: string): string {
  return hash('sha256', token).slice(0, 16);
}

/** `{ id, type, token?, app?, subscription? { endpoint, p256dh, auth } }`; null: it is none. */
export function deviceOf(json: Json | undefined): Device | null {
  if (json === undefined || !isJsonObject(json)) return null;
  const { id, type, token, app, subscription } = json;
  if (typeof id !== 'string' || id === '' || typeof type !== 'string' || !TYPES.includes(type)) return null;
  const browser = subscriptionOf(subscription);
  if (type === 'web' ? browser === null : typeof token !== 'string' || token === '') return null;
  return {
    id,
    type: type as Device['type'],
    token: type === 'web' ? null : (token as string),
    app: typeof app === 'string' ? app : null,
    subscription: type === 'web' ? browser : null,
  };
}

function subscriptionOf(json: Json | undefined): Device['subscription'] {
  if (json === undefined || !isJsonObject(json)) return null;
  const { endpoint, p256dh, auth } = json;
  const isWhole = typeof endpoint === 'string' && typeof p256dh === 'string' && typeof auth === 'string';
  return isWhole ? { endpoint, p256dh, auth } : null;
}
