// What rules are decided in, and what belongs to none of them: segments, models, caps, and what is known of channels and
// consent. Compiled once, read by gates and expressions.

import type { ChannelTraits } from '../gates/channels.ts';
import type { GateContext } from '../gates/gate.ts';
import type { CompiledModel } from '../models/model.ts';
import type { CompiledSegment } from './segments.ts';

export interface RuleContext extends GateContext {
  readonly segments: ReadonlyMap<string, CompiledSegment>;
  readonly models: ReadonlyMap<string, CompiledModel>;
  /** Whether models can be asked beside the task; where not, their default stands. */
  readonly withRemoteModels: boolean;
}

const NO_CHANNELS: ReadonlyMap<string, ChannelTraits> = new Map();

export const NO_CONTEXT: RuleContext = {
  segments: new Map(),
  models: new Map(),
  caps: [],
  channels: NO_CHANNELS,
  optIn: new Set(),
  always: new Set(),
  withHoldouts: true,
  withRemoteModels: false,
};
