// What `tripline/testing` exports: fakes to test rules and channels of one's own with (docs/extending.md), and providers to try
// rules on (docs/channels/testing.md).

export type { Action } from '../schemas/action.ts';
export type { DecisionJson } from '../schemas/decision.ts';
export { type Answer, type ChannelHarness, channelSuite, type Provider } from './channel-suite.ts';
export { type Decided, type DecideOptions, decide } from './decide.ts';
export { FAKE_START, FakeClock } from './fake-clock.ts';
export { type ApnsMessage, type ApnsOptions, type ApnsStandIn, startApns } from './providers/apns.ts';
export { type FcmMessage, type FcmOptions, type FcmStandIn, fcmError, startFcm } from './providers/fcm.ts';
export {
  type Fault,
  type HttpProvider,
  type ProviderAnswer,
  type ProviderRequest,
  startHttpProvider,
} from './providers/http-provider.ts';
export { type Alert, type PagerDuty, type PagerDutyOptions, startPagerDuty } from './providers/pagerduty.ts';
export type { PushAnswer } from './providers/push-server.ts';
export { type Ses, type SesMessage, type SesOptions, sesError, startSes } from './providers/ses.ts';
export { type Slack, type SlackMessage, type SlackOptions, startSlack } from './providers/slack.ts';
export { startTokenEndpoint, type TokenEndpoint, type TokenEndpointOptions } from './providers/token-endpoint.ts';
export { startTwilio, type Twilio, type TwilioMessage, type TwilioOptions } from './providers/twilio.ts';
export {
  startWebPush,
  type WebMessage,
  type WebPushOptions,
  type WebPushStandIn,
  type WebSubscription,
} from './providers/web-push.ts';
export { makeAction, templatesOf } from './sample-action.ts';
export { until } from './until.ts';
