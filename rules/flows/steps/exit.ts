// `exit`: the flow is over.

import Type from 'typebox';
import { defineStep } from '../step.ts';

export const exitStep = defineStep<true>({
  kind: 'exit',
  shape: Type.Literal(true, { description: 'Ends the flow.' }),
  compile: () => ({ passes: false, enter: () => ({ exit: 'exit' }) }),
  words: () => 'exit',
});
