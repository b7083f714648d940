// What `tripline/testing` exports: fakes to test rules and channels of one's own with (docs/extending.md).

export type { Action } from '../schemas/action.ts';
export type { DecisionJson } from '../schemas/decision.ts';
export { type Answer, type ChannelHarness, channelSuite, type Provider } from './channel-suite.ts';
export { type Decided, type DecideOptions, decide } from './decide.ts';
export { FAKE_START, FakeClock } from './fake-clock.ts';
export { makeAction, templatesOf } from './sample-action.ts';
export { until } from './until.ts';
