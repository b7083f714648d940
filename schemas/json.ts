// JSON as a type.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of what somebody else wrote; null: it is no JSON, or no object. */
export function jsonObjectOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * Deeper JSON is a sender's mistake or worse: JSON.parse reads it, but JSON.stringify and whoever walks it in recursion
 * overflow the stack.
 */
export const DEPTH_MAX = 100;

/** Whether the value is nested no deeper than `levels`; text, numbers and the like are level 0. */
export function isNestedWithin(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const name in value) {
    if (!isNestedWithin((value as { readonly [name: string]: Json })[name]!, levels - 1)) return false;
  }
  return true;
}
