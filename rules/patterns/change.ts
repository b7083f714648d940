// `change`: an attribute of the profile changes, as an identify message or a record of the profiles topic tells it. Keeps nothing: the profile is kept.
//
// Invariants:
//   C1. It fires on an identify message after which the attribute has another value than just before, in the lane's
//       order, if the old value is one of `from` and the new one of `to`, where they are given. An unset attribute is
//       null.

import { PROFILE_EVENT } from '../../schemas/internal-events.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Pattern } from '../api.ts';
import { NO_CAPTURES, type PatternDefinition } from './definition.ts';

export const changePattern: PatternDefinition = {
  kind: 'change',
  lane: 'arrival',
  compile(when, tools) {
    const body = when.change ?? {};
    tools.readsProfile();
    const path = (body.of ?? 'profile.').split('.').slice(1);
    const from = textsOf(body.from);
    const to = textsOf(body.to);
    if (from?.size === 1 && to?.size === 1 && from.has([...to][0]!)) {
      tools.error([...tools.path, 'to'], '"from" and "to" are the same value', 'the rule could never fire');
    }
    return { pattern: patternOf(path, from, to), captures: [], eventInThen: true };
  },
};

/** The values as JSON; null: any. */
function textsOf(values: unknown): ReadonlySet<string> | null {
  if (values === undefined) return null;
  return new Set((Array.isArray(values) ? values : [values]).map((value) => JSON.stringify(value ?? null)));
}

function patternOf(path: readonly string[], from: ReadonlySet<string> | null, to: ReadonlySet<string> | null): Pattern {
  return {
    kind: 'change',
    interests: ['identify', PROFILE_EVENT],
    onEvent(state, event, input) {
      if (event.type !== 'identify') return state;
      const before = textAt(input.profileBefore(), path);
      const after = textAt(input.scope.profile, path);
      const fits = before !== after && (from?.has(before) ?? true) && (to?.has(after) ?? true);
      if (fits) input.match({ at: event.time, events: [event.messageId], captures: NO_CAPTURES, event });
      return state;
    },
    onDeadline: () => null,
    deadlineOf: () => Infinity,
  };
}

/** The attribute's value as JSON; null where it, or one around it, is not set. */
function textAt(profile: JsonObject, path: readonly string[]): string {
  let value: Json = profile;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'null';
    value = (Object.hasOwn(value, name) ? (value as JsonObject)[name] : null) ?? null;
  }
  return JSON.stringify(value);
}
