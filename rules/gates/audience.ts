// `audience`: who the rule is for at all.

import Type from 'typebox';
import { expression } from '../language/parts.ts';
import { conditionInWords, defineGate, REFUSED } from './gate.ts';

export const audienceGate = defineGate({
  name: 'audience',
  reason: 'audience',
  asksCondition: true,
  fields: {
    audience: Type.Optional(
      expression(
        'Who the rule is for at all: over profile and behaviour, such as inSegment("vip"), not over the event.',
      ),
    ),
  },
  compile({ audience }, tools) {
    const condition = tools.condition(['audience'], audience, {
      captures: [],
      insteadOfEvent: 'the audience says for whom the rule is, not what happened: use if',
      remoteScores: true,
    });
    if (condition === null) return null;
    return {
      refusal: ({ scope, failed }) => (condition.holds(scope, failed) ? null : REFUSED),
      values: ({ scope }) => condition.values(scope),
      words: ({ scope }) => conditionInWords(condition, scope),
    };
  },
});
