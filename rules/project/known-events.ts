// The events that are known to come, for whoever checks rules against them. services/events makes it from the catalogue.

export interface KnownEvents {
  has(name: string): boolean;
  names(): readonly string[];
  /** Of the event; null: not known, also when it has more than were counted. */
  properties(name: string): readonly string[] | null;
}
