// What asks one model: over HTTP, or a file in this process.

import type { JsonObject } from '../../schemas/json.ts';

export interface Scorer {
  /** The score; rejects when there is none. `features` are as the model's file names them. */
  score(
    request: {
      readonly entity: { readonly type: string; readonly id: string };
      readonly features: JsonObject;
      readonly at: number;
    },
    signal: AbortSignal,
  ): Promise<number>;
  close(): Promise<void>;
}
