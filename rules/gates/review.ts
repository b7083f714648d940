// `review`: a person looks first.

import Type from 'typebox';
import { expression } from '../language/parts.ts';
import { conditionInWords, defineGate } from './gate.ts';

export const reviewGate = defineGate({
  name: 'review',
  reason: 'review',
  asksCondition: true,
  fields: { review: Type.Optional(expression('A person looks first when this is true.')) },
  compile({ review }, tools) {
    const condition = tools.condition(['review'], review, tools.names);
    if (condition === null) return null;
    return {
      refusal: ({ scope, failed }) => (condition.holds(scope, failed) ? { until: Infinity } : null),
      values: ({ scope }) => condition.values(scope),
      words: ({ scope }) => conditionInWords(condition, scope),
    };
  },
});
