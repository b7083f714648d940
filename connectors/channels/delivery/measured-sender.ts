// A sender whose attempts are measured: how long each took, how old what it delivered was, and a span in the action's trace.
//
// Invariants:
//   M1. It adds nothing to what is sent but the header `traceparent`, and changes no result.

import { hash } from 'node:crypto';
import type { Clock } from '../../../lib/clock.ts';
import type { Metrics } from '../../../lib/metrics.ts';
import type { Spans } from '../../../lib/spans.ts';
import type { Action } from '../../../schemas/action.ts';
import { childTraceparent, spanIdOf, type TraceContext, traceContextOf } from '../../../schemas/trace.ts';
import type { ChannelSender, SendResult } from './sender.ts';

export interface MeasuredOptions {
  readonly channel: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Null: nobody traces. */
  readonly spans: Spans | null;
}

/** Older ones are backfills, or waited for a provider on purpose; they are in the counts alone. */
const LIVE_MS = 3_600_000;

export function measuredSender(sender: ChannelSender, options: MeasuredOptions): ChannelSender {
  const { channel, clock, metrics, spans } = options;
  const age = metrics.histogram('action-age', { channel });

  function measure(action: Action, { outcome }: SendResult, startMs: number, endMs: number): void {
    metrics.histogram('delivery-latency', { channel, outcome }).record(endMs - startMs);
    const ageMs = endMs - action.at;
    if (outcome === 'delivered' && ageMs <= LIVE_MS) age.record(Math.max(0, ageMs));
  }

  return {
    render: (action) => sender.render(action),
    async send(outgoing, signal) {
      const { action, attempt, traceparent } = outgoing;
      const startMs = clock.now();
      const parent = traceparent === null ? null : traceContextOf(traceparent);
      const own = spans !== null && parent?.isSampled ? spanIdOf(hash('sha256', `${action.id}/${attempt}`)) : null;
      const passed = own === null ? traceparent : childTraceparent(traceparent!, own);
      const result = await sender.send({ ...outgoing, traceparent: passed }, signal);
      const endMs = clock.now();
      measure(action, result, startMs, endMs);
      if (own !== null) spans!.add(spanOf(parent!, own, { action, attempt, result, channel, startMs, endMs }));
      return result;
    },
    close: () => sender.close(),
  };
}

interface Attempt {
  readonly action: Action;
  readonly attempt: number;
  readonly result: SendResult;
  readonly channel: string;
  readonly startMs: number;
  readonly endMs: number;
}

function spanOf(parent: TraceContext, spanId: string, { action, attempt, result, channel, startMs, endMs }: Attempt) {
  const { outcome } = result;
  return {
    name: `deliver ${channel}`,
    kind: 'client',
    traceId: parent.traceId,
    spanId,
    parentSpanId: parent.spanId,
    startMs,
    endMs,
    attributes: { 'tripline.decision': action.decision, 'tripline.rule': action.rule, attempt, outcome },
    failed: outcome === 'failed' || outcome === 'retry',
  } as const;
}
