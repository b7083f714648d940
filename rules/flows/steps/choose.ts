// `choose`: a variant of an experiment, the same for an entity whenever it comes by.
//
// Invariants:
//   C1. Whoever was assigned keeps the variant for as long as there is one of that name: a change of weights moves nobody.

import Type, { type Static } from 'typebox';
import { fields, type Loose, later, NAME_PATTERN } from '../../language/parts.ts';
import { assign } from '../assignment.ts';
import { defineStep, type InnerSteps, type Move, STEPS_REFERENCE, type StepBody } from '../step.ts';

const Choose = fields(
  {
    experiment: Type.String({
      pattern: NAME_PATTERN,
      description: 'Its name: steps and rules that name the same one give an entity the same variant.',
    }),
    by: Type.Optional(Type.Enum(['weight'], { description: 'How: by weight (default).' })),
    reward: Type.Optional(Type.Unknown(later({ description: 'What tells variants apart: { event, where, within }.' }))),
    variants: Type.Array(
      fields({
        name: Type.String({ pattern: NAME_PATTERN, description: 'On actions and records of the flow.' }),
        weight: Type.Number({
          minimum: 0,
          maximum: 1_000_000,
          description: 'Its share is its weight over the sum of all.',
        }),
        do: Type.Optional(
          Type.Unsafe<readonly StepBody[]>({ $ref: `#/definitions/${STEPS_REFERENCE}`, description: 'Its steps.' }),
        ),
      }),
      { minItems: 2, maxItems: 10, description: 'One of them is taken.' },
    ),
  },
  { description: 'Takes a variant of an experiment, by a hash of the experiment and the entity.' },
);

type Shaped = Loose<Static<typeof Choose>>;
type ChooseBody = Omit<Shaped, 'variants'> & {
  readonly variants?: readonly (
    | (Omit<NonNullable<NonNullable<Shaped['variants']>[number]>, 'do'> & {
        readonly do?: readonly StepBody[] | undefined;
      })
    | undefined
  )[];
};

export const chooseStep = defineStep<ChooseBody>({
  kind: 'choose',
  shape: Choose,
  lists: (body, path) =>
    (body.variants ?? []).map((variant, place): InnerSteps => {
      return { path: [...path, 'variants', place, 'do'], steps: variant?.do, word: variant?.name ?? '' };
    }),
  compile(body, { path, builder, starts, next }) {
    const experiment = body.experiment ?? '';
    const variants = (body.variants ?? []).map((one) => ({ name: one?.name ?? '', weight: one?.weight ?? 0 }));
    const names = variants.map(({ name }) => name);
    for (const [place, name] of names.entries()) {
      if (names.indexOf(name) === place) continue;
      builder.error([...path, 'variants', place, 'name'], `the variant "${name}" is there already`, 'names are unique');
    }
    if (variants.length > 0 && variants.every(({ weight }) => weight === 0)) {
      builder.error([...path, 'variants'], 'no variant has a weight', 'at least one above 0');
    }
    // What the weights were before is in what the entity was given.
    const phases = [{ phase: 1, since: 0, variants }];
    return {
      ...(variants.length > 0 && { passes: false }),
      enter(turn): Move {
        const known = turn.assigned(experiment);
        const before = known === null ? null : { variant: known, phase: 1 };
        const { variant } = assign({ experiment, entityId: turn.entity.id, at: turn.at, phases, before });
        const place = names.indexOf(variant);
        turn.chose(experiment, names[place] ?? '');
        return { to: starts[place] ?? next };
      },
    };
  },
  words: (body) => `choose ${body.experiment ?? ''}`,
});
