// The rule language's public face. The words of compiled rules are in api.ts.

export { checkRules, type RulesCheck } from './check.ts';
export type { AroundRules, RuleFile } from './check-surroundings.ts';
export type { CompileOptions } from './compile-options.ts';
export type { ExpectedDecision, GivenEvent, InlineTest } from './inline-test.ts';
export { ruleSetOf } from './rule-set.ts';
