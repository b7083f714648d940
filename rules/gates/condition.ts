// `if`: asked when the pattern has matched.

import Type from 'typebox';
import { expression } from '../language/parts.ts';
import { conditionInWords, defineGate, REFUSED } from './gate.ts';

export const conditionGate = defineGate({
  name: 'condition',
  reason: 'condition',
  asksCondition: true,
  fields: { if: Type.Optional(expression('Asked when the pattern has matched.')) },
  compile(body, tools) {
    const condition = tools.condition(['if'], body.if, tools.names);
    if (condition === null) return null;
    return {
      refusal: ({ scope, failed }) => (condition.holds(scope, failed) ? null : REFUSED),
      values: ({ scope }) => condition.values(scope),
      words: ({ scope }) => conditionInWords(condition, scope),
    };
  },
});
