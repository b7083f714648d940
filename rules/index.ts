// The rule language's public face. What a compiled rule is says project/compiled-rule.ts.

export { checkRules, type RulesCheck } from './project/check.ts';
export type { ContextFiles, RuleFile } from './project/check-context.ts';
export type { CompileOptions } from './project/compile-options.ts';
export type { ExpectedAction, ExpectedDecision, GivenEvent, InlineTest } from './project/inline-test.ts';
export type { KnownEvents } from './project/known-events.ts';
export { ruleSetOf } from './project/rule-set.ts';
