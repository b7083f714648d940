// What a button under a message about a review carries: which review it answers. It comes back signed by whoever shows the message.

import type { EntityRef } from './decision.ts';

export interface ReviewButton {
  /** Id of the decision, or the flow, that waits. */
  readonly of: string;
  readonly entity: EntityRef;
  /** Event time since which it waits, ms: an answer counts after it. */
  readonly since: number;
}

export function encodeReviewButton({ of, entity: { type, id }, since }: ReviewButton): string {
  return JSON.stringify([of, type, id, since]);
}

/** Null: it is none of ours. */
export function decodeReviewButton(text: string): ReviewButton | null {
  const [of, type, id, since] = parts(text);
  if (typeof of !== 'string' || typeof type !== 'string' || typeof id !== 'string') return null;
  return Number.isSafeInteger(since) ? { of, entity: { type, id }, since: since as number } : null;
}

function parts(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
