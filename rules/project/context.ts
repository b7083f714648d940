// What rules are decided in, and what belongs to none of them: segments, models, caps, hold-outs, and what is known of channels
// and consent. Compiled once, read by gates and expressions.

import type { ChannelTraits } from '../gates/channels.ts';
import type { GateContext } from '../gates/gate.ts';
import { ROUTING } from '../gates/urgency.ts';
import type { CompiledModel } from '../models/model.ts';
import type { CompiledSegment } from './segments.ts';

export interface RuleContext extends GateContext {
  readonly segments: ReadonlyMap<string, CompiledSegment>;
  readonly models: ReadonlyMap<string, CompiledModel>;
  /** Whether models can be asked beside the task; where not, their default stands. */
  readonly withRemoteModels: boolean;
  /** In inline tests events called `<channel>_<outcome>` are what came of messages; elsewhere only connectors can say that. */
  readonly deliveriesByName: boolean;
}

const NO_CHANNELS: ReadonlyMap<string, ChannelTraits> = new Map();

export const NO_CONTEXT: RuleContext = {
  segments: new Map(),
  models: new Map(),
  caps: [],
  holdouts: [],
  channels: NO_CHANNELS,
  optIn: new Set(),
  doubleOptIn: new Set(),
  always: new Set(),
  validForMs: null,
  routing: ROUTING,
  withHoldouts: true,
  withRemoteModels: false,
  deliveriesByName: false,
};
