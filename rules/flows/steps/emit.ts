// `emit`: an event of this entity, stamped now, which other rules see.
//
// Invariants:
//   M1. Its id is a hash of the flow and the step: the same in every run and replay.
//   M2. What an emitted event leads to may emit in turn, DEPTH_MAX deep; what is deeper is dropped, and counted.

import Type, { type Static } from 'typebox';
import { isInternal } from '../../../schemas/internal-events.ts';
import { fields, type Loose, later } from '../../language/parts.ts';
import { compileData, type DataBody } from '../data.ts';
import { defineStep, type Move } from '../step.ts';

const Emit = fields(
  {
    event: Type.String({ minLength: 1, maxLength: 200, description: 'Its name.' }),
    to: Type.Optional(Type.Unknown(later({ description: 'Everybody in a segment: { segment } or { where }.' }))),
    properties: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Each a CEL expression or a value.' }),
    ),
  },
  { description: 'Emits an event of this entity that other rules can match.' },
);

type EmitBody = Loose<Static<typeof Emit>>;

export const emitStep = defineStep<EmitBody>({
  kind: 'emit',
  shape: Emit,
  compile(body, { path, names, builder, next }) {
    const name = body.event ?? '';
    if (isInternal(name)) builder.error([...path, 'event'], 'names that begin with "$" are the engine\'s own');
    const properties = compileData((body.properties ?? {}) as DataBody, [...path, 'properties'], names, builder);
    return {
      emits: name,
      enter(turn): Move {
        turn.emit(name, properties(turn.scope, turn.failed));
        return { to: next };
      },
    };
  },
  words: (body) => `emit ${body.event ?? ''}`,
});
