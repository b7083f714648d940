// `set`: attributes of the profile, as an identify message stamped now would tell them.

import Type from 'typebox';
import type { Json, JsonObject } from '../../../schemas/json.ts';
import { compileData, type DataBody } from '../data.ts';
import { defineStep, type Move } from '../step.ts';

const SetShape = Type.Record(Type.String(), Type.Unknown(), {
  minProperties: 1,
  description: 'Attributes of the profile, each a CEL expression or a value: { plan: \'"trial"\' }.',
});

export const setStep = defineStep<DataBody>({
  kind: 'set',
  shape: SetShape,
  compile(body, { path, names, builder, next }) {
    const data = compileData(body, path, names, builder);
    builder.readsProfile();
    return {
      enter(turn): Move {
        const failures: string[] = [];
        const values = data(turn.scope, (source, error) => {
          failures.push(source);
          turn.failed(source, error);
        });
        // An attribute whose expression fails is left as it was.
        const known = Object.entries(values).filter(([name]) => !failures.includes(String(body[name])));
        if (known.length > 0) turn.set(Object.fromEntries(known) as JsonObject);
        return { to: next };
      },
    };
  },
  words: (body) => `set ${Object.keys(body as Record<string, Json>).join(', ')}`,
});
