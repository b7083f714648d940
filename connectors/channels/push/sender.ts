// Sends one message to every device of a person.
//
// Owns: which service a device is of, what the outcomes of the devices come to, which devices took it already. Does not own: the
// exchange with a service (fcm.ts, apns.ts, web.ts), when to try again.
//
// Invariants:
//   P1. Delivered: at least one device's service took it. What each device came to is in the result.
//   P2. A retry asks only for devices whose service could not take it. What the others came to is remembered by action, in this
//       process, for REMEMBERED_MAX actions: after a crash, or beyond that, a device may get the message again, under the same
//       collapse key, by which it replaces what is shown instead of standing beside it.
//   P3. Once a device has it, devices whose service cannot now are asked once more, and then given up: the person has it.
//   P4. What one device's owner can bring about (a token, an endpoint and its answers) never stops the channel.

import type { Clock } from '../../../lib/clock.ts';
import { errorName, FatalError, RecordError } from '../../../lib/errors.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Action, Device } from '../../../schemas/action.ts';
import { EXCHANGE_MS_MAX } from '../../http/http-client.ts';
import { PrivateAddressError } from '../../http/private-address.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, DeviceResult, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import { type ShortMessage, shortMessage } from '../templates/short-message.ts';
import { ApnsProvider } from './apns.ts';
import { FcmProvider } from './fcm.ts';
import {
  isSigningKey,
  NO_SERVICE_ACCOUNT,
  NO_SIGNING_KEY,
  type PushOptions,
  readFiles,
  serviceAccountOf,
} from './options.ts';
import type { DeviceOutcome, PushProvider } from './provider.ts';
import { WebPushProvider } from './web.ts';

const REMEMBERED_MAX = 10_000;
/** P3 */
const ATTEMPTS_FOR_THE_REST = 2;

type Service = 'fcm' | 'apns' | 'web';
type Providers = Readonly<Partial<Record<Service, PushProvider>>>;

/** What need not be asked for again. */
interface Settled extends DeviceResult {
  readonly providerId: string | null;
}

export class PushSender implements ChannelSender<ShortMessage> {
  readonly #providers: Providers;
  readonly #dependencies: ChannelDependencies;
  /** By action, those whose delivery goes on (P2). */
  readonly #settled = new Map<string, ReadonlyMap<string, Settled>>();

  constructor(providers: Providers, dependencies: ChannelDependencies) {
    this.#providers = providers;
    this.#dependencies = dependencies;
  }

  /** Throws FatalError TRG_CONFIG_INVALID for a file that cannot be read or has something else in it. */
  static open(options: PushOptions, dependencies: ChannelDependencies): PushSender {
    const { fcm, apns, web } = readFiles(options);
    const account = fcm === undefined ? null : serviceAccountOf(fcm.serviceAccount);
    if (fcm !== undefined && account === null) throw invalid(NO_SERVICE_ACCOUNT);
    if (apns !== undefined && !isSigningKey(apns.key)) throw invalid(NO_SIGNING_KEY);
    const providers: Providers = {
      ...(fcm !== undefined && { fcm: new FcmProvider(fcm, account!, dependencies) }),
      ...(apns !== undefined && { apns: new ApnsProvider(apns, dependencies) }),
      ...(web !== undefined && { web: new WebPushProvider(web, dependencies) }),
    };
    return new PushSender(providers, dependencies);
  }

  render(action: Action): Rendering<ShortMessage> {
    const { devices } = action;
    const [only] = devices;
    if (only === undefined) return { outcome: 'skipped', reason: 'no-address' };
    const value = devices.length === 1 ? (only.token ?? only.subscription?.endpoint) : undefined;
    const address = value === undefined ? null : ({ kind: 'device', value } as const);
    return { outcome: 'rendered', message: { address, content: shortMessage(action, this.#dependencies) } };
  }

  async send({ action, message, attempt }: Outgoing<ShortMessage>, signal: AbortSignal): Promise<SendResult> {
    const before = this.#settled.get(action.id);
    const results = await Promise.all(
      action.devices.map(async (device) => {
        const known = before?.get(device.id);
        return { device: device.id, outcome: known ?? (await this.#sendTo(device, action, message.content, signal)) };
      }),
    );
    const result = resultOf(results, attempt);
    if (result.outcome === 'retry') this.#remember(action.id, results);
    else this.#settled.delete(action.id);
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#providers).map((provider) => provider.close()));
  }

  async #sendTo(device: Device, action: Action, content: ShortMessage, signal: AbortSignal): Promise<DeviceOutcome> {
    const service = serviceOf(device, this.#providers);
    const provider = service === null ? undefined : this.#providers[service];
    if (provider === undefined) return { outcome: 'failed', reason: `no service is configured for ${device.type}` };
    const { clock }: { clock: Clock } = this.#dependencies;
    try {
      return await withinTime(clock, EXCHANGE_MS_MAX, signal, (bounded) => {
        return provider.send({ action, device, content }, bounded);
      });
    } catch (error) {
      return connectionFailure(error);
    }
  }

  #remember(id: string, results: readonly OfDevice[]): void {
    const settled = results.flatMap(({ device, outcome }): [string, Settled][] => {
      return outcome.outcome === 'retry' || outcome.outcome === 'denied' ? [] : [[device, settledOf(device, outcome)]];
    });
    this.#settled.delete(id);
    if (settled.length === 0) return;
    this.#settled.set(id, new Map(settled));
    if (this.#settled.size <= REMEMBERED_MAX) return;
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest);
      break;
    }
  }
}

/** iOS goes to Apple where that is configured, else to Firebase; a browser without a subscription of its own as well. */
function serviceOf({ type, token, subscription }: Device, { apns }: Providers): Service | null {
  if (subscription !== null) return 'web';
  if (token === null) return null;
  return type === 'ios' && apns !== undefined ? 'apns' : 'fcm';
}

interface OfDevice {
  readonly device: string;
  readonly outcome: DeviceOutcome | Settled;
}

function settledOf(device: string, outcome: Exclude<OfDevice['outcome'], { outcome: 'retry' }>): Settled {
  const { outcome: came } = outcome;
  const known = outcome as Partial<Settled>;
  return {
    device,
    outcome: came === 'denied' ? 'failed' : came,
    reason: known.reason ?? null,
    providerId: known.providerId ?? null,
    ...(typeof known.goneAt === 'number' && { goneAt: known.goneAt }),
  };
}

function resultOf(results: readonly OfDevice[], attempt: number): SendResult {
  const later = results.flatMap(({ outcome }) => (outcome.outcome === 'retry' ? [outcome] : []));
  const denied = results.find(({ outcome }) => outcome.outcome === 'denied')?.outcome;
  const taken = results.find(({ outcome }) => outcome.outcome === 'delivered')?.outcome;
  const [first] = later;
  if (first !== undefined && (taken === undefined ? denied === undefined : attempt < ATTEMPTS_FOR_THE_REST)) {
    // Who has it already should not be what the others wait an hour for (P3).
    const asked = taken === undefined ? later.flatMap(({ retryAfterMs }) => retryAfterMs ?? []) : [];
    return {
      outcome: 'retry',
      reason: first.reason,
      ...(asked.length > 0 && { retryAfterMs: Math.max(...asked) }),
    };
  }
  const devices = results.map(({ device, outcome }): DeviceResult => {
    const ended = outcome.outcome === 'retry' ? ({ outcome: 'failed', reason: outcome.reason } as const) : outcome;
    const { providerId: _providerId, ...told } = settledOf(device, ended);
    return told;
  });
  if (taken !== undefined) return { outcome: 'delivered', providerId: (taken as Settled).providerId ?? null, devices };
  if (denied !== undefined) {
    return { outcome: 'failed', reason: (denied as { reason: string }).reason, disable: true, devices };
  }
  const failed = devices.find(({ outcome }) => outcome === 'failed');
  return { outcome: 'failed', reason: failed?.reason ?? 'no-address: every device is gone', devices };
}

/** Of ours, not of a connection: trying again cannot help. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError];

function connectionFailure(error: unknown): DeviceOutcome {
  if (error instanceof PrivateAddressError) return { outcome: 'failed', reason: 'private address refused' };
  if (error instanceof TimeLimitError) return { outcome: 'retry', reason: error.message };
  if (error instanceof RecordError) return { outcome: 'failed', reason: error.message };
  if (MISTAKES.some((kind) => error instanceof kind)) {
    return { outcome: 'failed', reason: `the connector failed on this message: ${errorName(error)}` };
  }
  const { code, name } = error as { code?: string; name?: string };
  return { outcome: 'retry', reason: `no connection: ${code ?? name ?? 'unknown'}` };
}

function invalid(message: string): FatalError {
  return new FatalError('TRG_CONFIG_INVALID', `channels.push: ${message}`);
}
