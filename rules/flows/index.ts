// What `then` is: a program of steps, and the flow as a whole.

export { checkProgram } from './check-program.ts';
export { type CompiledProgram, compileProgram, Steps, StepsShape } from './program.ts';
export { FLOW_FIELDS } from './whole.ts';
