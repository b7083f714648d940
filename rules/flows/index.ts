// The steps of `then`: in this version, sends. A step is one file here and its line in Step and compileSteps.

import Type, { type Static } from 'typebox';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import { fields, type Loose } from '../language/parts.ts';
import { LATER_STEPS } from './later.ts';
import { type ChannelOptions, type CompiledSend, compileSend, Send } from './send.ts';

/** Above it a rule is several. */
const STEPS_MAX = 20;

const Step = fields({ send: Type.Optional(Send), ...LATER_STEPS });

export const Steps = Type.Array(Step, {
  maxItems: STEPS_MAX,
  description: 'What to do. Left out: only decisions are written.',
});

type StepsBody = Loose<Static<typeof Steps>>;

export function compileSteps(
  steps: StepsBody | undefined,
  names: Names,
  options: ChannelOptions,
  builder: RuleBuilder,
): CompiledSend[] {
  return (steps ?? []).flatMap((body, step) => {
    if (body?.send !== undefined) {
      return [compileSend(step, body.send, ['then', step, 'send'], names, options, builder)];
    }
    // A step with a field has been judged by its shape.
    const node = builder.document.node(['then', step]);
    if (node?.kind === 'map' && node.entries.size === 0) {
      builder.error(['then', step], 'the step says nothing to do', 'such as send: {…}');
    }
    return [];
  });
}
