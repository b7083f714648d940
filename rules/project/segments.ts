// Segments: files of `{ id, entity, where }`, a condition over profile and behaviour that says who belongs.
//
// Owns: their schema and compiling them. Does not own: who belongs at a time (processors/evaluate/segments.ts).

import Type, { type Static } from 'typebox';
import type { Names } from '../expressions/compiler.ts';
import type { Needs } from '../expressions/needs.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Condition } from '../expressions/scope.ts';
import { expression, fields, NAME_PATTERN } from '../language/parts.ts';

export interface CompiledSegment {
  readonly id: string;
  readonly entity: string;
  readonly condition: Condition;
  readonly needs: Needs;
}

export const SegmentSchema = fields(
  {
    id: Type.String({ pattern: NAME_PATTERN, maxLength: 100, description: 'Kebab-case, unique, and never changed.' }),
    description: Type.Optional(Type.String({ description: 'Who belongs, in words.' })),
    entity: Type.Optional(
      Type.String({ minLength: 1, description: 'user (default), or an entity of the configuration.' }),
    ),
    where: expression('Who belongs: over profile, account and behaviour.'),
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tripline segment',
    description: 'One segment: a name for those for whom a condition is true.',
  },
);

export type SegmentBody = { [Name in keyof Static<typeof SegmentSchema>]?: string | undefined };

/** What a segment cannot ask, since the answer would change at every moment, or with other segments. */
const NAMES: Names = {
  captures: [],
  insteadOfEvent: 'a segment is over what is known of the entity: profile, account, count(), last(), sent()',
  refused: new Map([
    ['now', 'ask daysSince(…) or count(…): those tell when they change'],
    ['inSegment', 'write the condition of the other segment out'],
    ['inFlow', 'a segment is over profile and behaviour'],
  ]),
};

/** Null: it has no condition to compile. Mistakes go to the builder. */
export function compileSegment(body: SegmentBody, builder: RuleBuilder): CompiledSegment | null {
  const condition = builder.condition(['where'], body.where, NAMES);
  if (condition === null) return null;
  return { id: body.id ?? '', entity: body.entity ?? 'user', condition, needs: builder.needs };
}
