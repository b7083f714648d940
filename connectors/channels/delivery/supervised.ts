// A sender whose faults end with the message that met them, and whose messages say what was missing in them.
//
// Invariants:
//   V1. Whatever a sender throws or answers, for whatever message, is the result of that message: nothing leaves render() or
//       send() that a task could fail of, so that one message can end neither the task nor the process.
//   V2. A send ends: one that takes longer than SEND_MS_MAX is given up, whether or not its sender takes notice (I8).
//
// Edge `render`: a message is made by its channel, of a template (connectors/channels/templates/liquid.ts) or otherwise.
//   throws: that message fails: dead letter, delivery `failed`; the entity's next message goes on
//   rejects: cannot: rendering is synchronous
//   hangs: Liquid is stopped after 250 ms, and that message fails; code of a channel of one's own cannot be interrupted
//   too large: Liquid is stopped at 1 MiB of text, and that message fails
//   behind: connectors/channels/templates/, connectors/channels/email/plain-text.ts, connectors/channels/links/,
//     connectors/channels/sms/message.ts
//   only in connectors/channels/channel.ts: connector.open(
//
// Edge `send`: a message is handed to its provider, over the network, by whatever code its channel has.
//   throws: that message fails: dead letter, delivery `failed`; the entity's next message goes on
//   rejects: as a throw; what a provider does, away or slow, is no fault of a sender but tried again with backoff, and a dead letter
//     after the last attempt
//   hangs: given up after 3 min at most (each built-in channel sooner), and tried again like a provider that is away
//   too large: of an answer 64 KiB are read; of what a sender says of it, 1,000 characters of a text and 1,000 devices are kept, and what
//     is no result is a failure of that message
//   behind: connectors/http/, connectors/channels/
//   only in connectors/channels/channel.ts: connector.open(

import type { Clock } from '../../../lib/clock.ts';
import { errorName, RecordError } from '../../../lib/errors.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { ChannelSender, DeviceResult, Failed, Rendering, SendResult } from './sender.ts';

/** Above what any built-in channel takes (mail: 120 s), so that each gives up by itself, in its own words. */
export const SEND_MS_MAX = 180_000;
/** Of a reason or a provider's id: they are in delivery records, which are kept. */
const TEXT_MAX = 1_000;
const DEVICES_MAX = 1_000;

/** `missing`: where the sender's templates put what a message shows and is not there. */
export function supervised<Content extends object>(
  sender: ChannelSender<Content>,
  clock: Clock,
  missing: Set<string> = new Set(),
): ChannelSender<Content> {
  return {
    render(action) {
      missing.clear();
      try {
        const rendering = checkedRendering(sender.render(action));
        if (rendering.outcome !== 'rendered' || missing.size === 0) return rendering;
        return { ...rendering, message: { ...rendering.message, missing: [...missing] } };
      } catch (error) {
        return failureOf(error);
      }
    },
    async send(outgoing, signal) {
      try {
        const result = await withinTime(clock, SEND_MS_MAX, signal, async (bounded) => sender.send(outgoing, bounded));
        return checkedResult(result);
      } catch (error) {
        if (error instanceof TimeLimitError) return { outcome: 'retry', reason: error.message };
        if (signal.aborted) return { outcome: 'retry', reason: 'given up by a stop' };
        return failureOf(error);
      }
    },
    close: () => sender.close(),
  };
}

function failureOf(error: unknown): Failed {
  if (error instanceof RecordError) return { outcome: 'failed', reason: cut(error.message), code: error.code };
  // The error's own words may quote the message.
  return { outcome: 'failed', reason: `the connector failed on this message: ${errorName(error)}` };
}

/** Throws where it is no rendering: whatever a channel of one's own gives. */
function checkedRendering<Content extends object>(rendering: Rendering<Content>): Rendering<Content> {
  if (rendering.outcome === 'failed' || rendering.outcome === 'skipped') {
    return { ...rendering, reason: textOf(rendering.reason) };
  }
  const { address, content } = rendering.message;
  if (rendering.outcome !== 'rendered' || typeof content !== 'object' || content === null) throw new NoResult();
  if (address !== null && (typeof address.kind !== 'string' || typeof address.value !== 'string')) throw new NoResult();
  return rendering;
}

/** V1: what is used of a result is of the type that it should be, and bounded. */
function checkedResult(result: SendResult): SendResult {
  if (result.outcome === 'delivered') {
    const { providerId, devices } = result;
    const id = providerId === null || providerId === undefined ? null : textOf(providerId);
    return { ...result, providerId: id, ...(devices !== undefined && { devices: checkedDevices(devices) }) };
  }
  const reason = textOf(result.reason);
  if (result.outcome === 'skipped') return { ...result, reason };
  if (result.outcome === 'failed') {
    const { devices, suppress, ...rest } = result;
    return {
      ...rest,
      reason,
      ...(suppress instanceof Object && { suppress }),
      ...(devices !== undefined && { devices: checkedDevices(devices) }),
    };
  }
  if (result.outcome !== 'retry') throw new NoResult();
  const { retryAfterMs, suppress, ...rest } = result;
  return {
    ...rest,
    reason,
    ...(suppress instanceof Object && { suppress }),
    ...(isDuration(retryAfterMs) && { retryAfterMs }),
  };
}

function checkedDevices(devices: readonly DeviceResult[]): readonly DeviceResult[] {
  const known = devices.slice(0, DEVICES_MAX);
  if (known.some(({ device }) => typeof device !== 'string')) throw new NoResult();
  return known;
}

class NoResult extends TypeError {
  override name = 'NoResult';
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new NoResult();
  return cut(value);
}

function cut(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
