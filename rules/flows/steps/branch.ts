// `branch`: the first branch whose `if` is true, else the last one that has none; where there is none, on.

import Type, { type Static } from 'typebox';
import type { Condition } from '../../expressions/scope.ts';
import type { Path } from '../../language/parse.ts';
import { expression, fields, type Loose } from '../../language/parts.ts';
import { defineStep, type InnerSteps, type Move, STEPS_REFERENCE, type StepBody } from '../step.ts';

const steps = (description: string) =>
  Type.Optional(Type.Unsafe<readonly StepBody[]>({ $ref: `#/definitions/${STEPS_REFERENCE}`, description }));

const Branch = Type.Array(
  fields({
    if: Type.Optional(expression('Whether this branch is taken.')),
    do: steps('Its steps.'),
    else: steps('Its steps, where no branch before was taken; the last one.'),
  }),
  { minItems: 1, maxItems: 20, description: 'Takes the first branch whose `if` is true.' },
);

type BranchBody = readonly (
  | (Omit<NonNullable<Loose<Static<typeof Branch>>[number]>, 'do' | 'else'> & {
      readonly do?: readonly StepBody[] | undefined;
      readonly else?: readonly StepBody[] | undefined;
    })
  | undefined
)[];

export const branchStep = defineStep<BranchBody>({
  kind: 'branch',
  shape: Branch,
  lists: (body, path) => body.map((one, place): InnerSteps => listOf(one, [...path, place])),
  compile(body, tools) {
    const { builder, path, names, starts, next } = tools;
    const branches = body.map((one, place): { condition: Condition | null; to: number } => {
      const at = [...path, place];
      const isWritten = (field: string): boolean => builder.document.node([...at, field]) !== undefined;
      const isElse = isWritten('else');
      if (isElse && (isWritten('if') || isWritten('do'))) {
        builder.error([...at, 'else'], '"else" stands alone in its branch', 'such as - else: [ … ]');
      } else if (!isElse && !isWritten('if')) {
        builder.error(at, 'a branch needs "if"', 'such as { if: …, do: [ … ] }, or - else: [ … ]');
      } else if (!isElse && !isWritten('do')) builder.error(at, 'a branch needs "do"', 'the steps: do: [ … ]');
      if (isElse && place < body.length - 1) {
        builder.error([...at, 'else'], 'the branches after "else" are never reached', 'put it last');
      }
      return { condition: builder.condition([...at, 'if'], one?.if, names), to: starts[place]! };
    });
    return {
      ...(body.some((one) => one?.else !== undefined) && { passes: false }),
      enter({ scope, failed }): Move {
        const taken = branches.find(({ condition }) => condition === null || condition.holds(scope, failed));
        return { to: taken === undefined ? next : taken.to };
      },
    };
  },
  words: () => 'branch',
});

function listOf(one: BranchBody[number], path: Path): InnerSteps {
  if (one?.else !== undefined) return { path: [...path, 'else'], steps: one.else, word: 'else' };
  return { path: [...path, 'do'], steps: one?.do, word: one?.if ?? '' };
}
