// The body of `sequence`, as parsed YAML, and what can be said of it without events.

interface Filter {
  readonly event: string | readonly string[];
  readonly where?: string;
  readonly as?: string;
}

export type Next = 'strict' | 'relaxed' | 'any';

export interface SequenceStep extends Partial<Filter> {
  readonly times?: { readonly min?: number; readonly max?: number; readonly next?: Next };
  readonly optional?: boolean;
  readonly next?: Next;
  readonly greedy?: boolean;
  readonly not?: Filter;
}

export interface SequenceBody {
  readonly steps: readonly SequenceStep[];
  readonly within?: string;
  readonly until?: Filter;
  readonly skip?: 'past-last' | 'none' | 'to-next';
  readonly by?: string;
}

export function endsWithNot({ steps }: SequenceBody): boolean {
  return steps.at(-1)!.not !== undefined;
}

export function sequencePatterns({ steps, until }: SequenceBody): Filter[] {
  const filters = steps.map((step) => step.not ?? (step as Filter));
  return until === undefined ? filters : [...filters, until];
}

/** Whether it asks what the very next event of the entity is, so that every event concerns it. */
export function seesAll({ steps }: SequenceBody): boolean {
  return steps.some((step, at) => (at > 0 && step.next === 'strict') || step.times?.next === 'strict');
}
