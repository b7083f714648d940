// The steps of `then`.

import type { StepDefinition } from '../step.ts';
import { branchStep } from './branch.ts';
import { chooseStep } from './choose.ts';
import { emitStep } from './emit.ts';
import { exitStep } from './exit.ts';
import { reviewStep } from './review.ts';
import { sendStep } from './send.ts';
import { setStep } from './set.ts';
import { waitStep } from './wait.ts';
import { waitForStep } from './wait-for.ts';

export const STEPS: readonly StepDefinition[] = [
  sendStep,
  waitStep,
  waitForStep,
  branchStep,
  chooseStep,
  setStep,
  emitStep,
  reviewStep,
  exitStep,
];
