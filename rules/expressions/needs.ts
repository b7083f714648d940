// What expressions ask to be remembered of an entity, gathered over rules, segments and models: what nobody asks for is
// not kept.

export interface Needs {
  /** How far back sent(...) looks, ms; 0: it is not called. */
  readonly sentMs: number;
  readonly profile: boolean;
  readonly account: boolean;
  /** Whether something may be sent to the person's devices. */
  readonly devices: boolean;
  /** Attributes of the profile or the account that are read by name; others may be read by whoever reads them whole. */
  readonly attributes: ReadonlySet<string>;
  /** Event names of count() and last(), with the longest window asked for in ms; 0: only the last one matters. */
  readonly history: ReadonlyMap<string, number>;
  /** Ids of the segments and models that are asked for. */
  readonly segments: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  /** Ids of the rules whose flows are asked for. */
  readonly flows: ReadonlySet<string>;
}

export class NeedsCollector implements Needs {
  sentMs = 0;
  profile = false;
  account = false;
  devices = false;
  readonly attributes = new Set<string>();
  readonly history = new Map<string, number>();
  readonly segments = new Set<string>();
  readonly models = new Set<string>();
  readonly flows = new Set<string>();

  add(other: Needs): this {
    this.sentMs = Math.max(this.sentMs, other.sentMs);
    this.profile ||= other.profile;
    this.account ||= other.account;
    this.devices ||= other.devices;
    for (const name of other.attributes) this.attributes.add(name);
    for (const [name, ms] of other.history) this.remember(name, ms);
    for (const id of other.segments) this.segments.add(id);
    for (const id of other.models) this.models.add(id);
    for (const id of other.flows) this.flows.add(id);
    return this;
  }

  remember(name: string, ms: number): void {
    this.history.set(name, Math.max(this.history.get(name) ?? 0, ms));
  }
}
