// `change`: an attribute of the profile changes, as an identify message or a record of the profiles topic tells it. Keeps nothing: the profile is kept.
//
// Invariants:
//   C1. It fires on an identify message after which the attribute has another value than just before, in the lane's
//       order, if the old value is one of `from` and the new one of `to`, where they are given. An unset attribute is
//       null.

import Type from 'typebox';
import { PROFILE_EVENT } from '../../schemas/internal-events.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { ATTRIBUTE_PATTERN, fields } from '../language/parts.ts';
import { definePattern, NO_CAPTURES, NO_DEADLINE_WORDS } from './definition.ts';
import type { Pattern } from './pattern.ts';

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const values = (description: string) =>
  Type.Optional(
    Type.Union([...Scalar.anyOf, Type.Array(Scalar, { minItems: 1 })], {
      description: `${description} A value, or a list of them; null: not set. Default: any.`,
    }),
  );

const Change = fields(
  {
    of: Type.String({
      pattern: ATTRIBUTE_PATTERN,
      maxLength: 200,
      description: 'The attribute, such as profile.plan.',
    }),
    from: values('The old value.'),
    to: values('The new value.'),
  },
  { description: 'Fires when an attribute of the profile changes, as identify messages tell it.' },
);

export const changePattern = definePattern({
  kind: 'change',
  shape: Change,
  lane: 'arrival',
  states: [],
  compile(body, tools) {
    tools.readsProfile();
    const path = (body.of ?? 'profile.').split('.').slice(1);
    const from = textsOf(body.from);
    const to = textsOf(body.to);
    if (from?.size === 1 && to?.size === 1 && from.has([...to][0]!)) {
      tools.error([...tools.path, 'to'], '"from" and "to" are the same value', 'the rule could never fire');
    }
    const pattern = patternOf(path, from, to, `fires when ${body.of} changes`);
    return { pattern, captures: [], eventInThen: true };
  },
});

/** The values as JSON; null: any. */
function textsOf(values: unknown): ReadonlySet<string> | null {
  if (values === undefined) return null;
  return new Set((Array.isArray(values) ? values : [values]).map((value) => JSON.stringify(value ?? null)));
}

function patternOf(
  path: readonly string[],
  from: ReadonlySet<string> | null,
  to: ReadonlySet<string> | null,
  words: string,
): Pattern {
  return {
    state: null,
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
    words: { nothing: words, progress: () => words, ...NO_DEADLINE_WORDS },
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
