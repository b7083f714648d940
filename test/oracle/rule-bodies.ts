// The bodies of the patterns over figures, dates, sessions and other patterns, as parsed YAML.

interface Counted {
  readonly event: string | readonly string[];
  readonly where?: string;
  readonly by?: string;
}

export interface CountBody extends Counted {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly distinct?: string;
  readonly within: string;
}

export interface AggregateBody extends Counted {
  readonly sum?: string;
  readonly avg?: string;
  readonly min?: string;
  readonly max?: string;
  readonly last?: string;
  readonly within: string;
  readonly above?: number;
  readonly below?: number;
}

export interface ThresholdBody extends Counted {
  readonly value: string;
  readonly above?: number;
  readonly below?: number;
  readonly for?: string;
  readonly clear?: number;
}

export interface BaselineBody extends Counted {
  readonly window: string;
  readonly against: number;
  readonly dropBy?: string;
  readonly riseBy?: string;
}

export interface ChangeBody {
  readonly of: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

export interface AtBody {
  readonly event?: string | readonly string[];
  readonly where?: string;
  readonly as?: string;
  readonly date: string;
  readonly before?: string;
  readonly after?: string;
  readonly by?: string;
}

export interface SessionBody {
  readonly gap: string;
  readonly when: string;
  readonly on?: 'reached' | 'end';
  readonly by?: string;
}
