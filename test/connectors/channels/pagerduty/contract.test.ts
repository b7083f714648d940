import { pagerduty } from '../../../../connectors/channels/pagerduty/channel.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import type { Fault, ProviderAnswer } from '../../../../testing/providers/http-provider.ts';
import { startPagerDuty } from '../../../../testing/providers/pagerduty.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';

const ROUTING_KEY = 'e93facc04764012d7bfb002500d5d1a6';
const EVENTS: Readonly<Record<Answer, Fault | ProviderAnswer | null>> = {
  takes: null,
  later: { status: 429 },
  never: { status: 400, body: { status: 'invalid event', errors: ["'payload.summary' is missing or blank"] } },
  hangs: 'hangs',
  resets: 'resets',
};

channelSuite({
  channel: pagerduty,
  supports: { finalRefusals: true, addresses: false },
  templates: templatesOf({}),
  // Without a key of its own an action's alert is that of its decision.
  action: (fields = {}) =>
    makeAction({ channel: 'pagerduty', decision: `decision of ${fields.id ?? 'a1'}`, ...fields }),
  async start(t, answer) {
    const server = await startPagerDuty({ routingKey: ROUTING_KEY });
    t.after(() => server.close());
    server.always(EVENTS[answer]);
    return {
      options: { routingKey: ROUTING_KEY, url: server.url, allowPrivate: true },
      get keys() {
        return server.requests.map(({ body }) => String(JSON.parse(body).dedup_key));
      },
    };
  },
});
