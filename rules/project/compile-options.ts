// What a rule is compiled against, besides its own text.

import type { ChannelOptions } from '../flows/send.ts';
import type { ContextFiles } from './check-context.ts';
import type { KnownEvents } from './known-events.ts';
import type { RuleSet } from './rule-set.ts';

export interface CompileOptions extends ChannelOptions {
  /** How far behind the newest event an event may come. */
  readonly outOfOrdernessMs: number;
  /** How long decisions and records of flows are kept, ms; null: for ever; left out: it is not known. */
  readonly recordsKeptMs?: number | null | undefined;
  /** Segments, models and caps, and what the configuration says of consent. */
  readonly context?: ContextFiles;
  /** Entities of the configuration, beside `user`. */
  readonly entities: readonly string[];
  /** What has been seen of events; left out: names are not looked at. */
  readonly events?: KnownEvents | undefined;
  /** The rules that these take the place of, for flows that finish by them; left out: none are known. */
  readonly before?: RuleSet | undefined;
  /** By rule id: the version of the rule set since which the rule has been there without a break. */
  readonly since?: ReadonlyMap<string, number>;
}
