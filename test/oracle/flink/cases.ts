// Cases of Flink CEP's public tests: their patterns, inputs and expected matches, with our result where it differs.

import { LOOP_CASES } from './loops.ts';
import type { FlinkCase } from './notation.ts';
import { NOT_CASES } from './nots.ts';
import { SKIP_CASES } from './skips.ts';
import { STEP_CASES } from './steps.ts';
import { TIMES_CASES } from './times.ts';

export const FLINK_CASES: readonly FlinkCase[] = [
  ...STEP_CASES,
  ...LOOP_CASES,
  ...TIMES_CASES,
  ...NOT_CASES,
  ...SKIP_CASES,
];
