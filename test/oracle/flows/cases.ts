// Every hand-written case of flows: for each sentence of the page on flows one that another reading of it would fail.

import { CHANGE_CASES } from './cases/changes.ts';
import { GATE_CASES } from './cases/gates.ts';
import { STEP_CASES } from './cases/steps.ts';
import { TIME_CASES } from './cases/time.ts';
import { WHOLE_CASES } from './cases/whole.ts';
import type { FlowCase } from './notation.ts';

export const FLOW_CASES: readonly FlowCase[] = [
  ...STEP_CASES,
  ...WHOLE_CASES,
  ...GATE_CASES,
  ...TIME_CASES,
  ...CHANGE_CASES,
];
