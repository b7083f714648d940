import { slack } from '../../../../connectors/channels/slack/channel.ts';
import { type Answer, type ChannelHarness, channelSuite } from '../../../../testing/channel-suite.ts';
import type { Fault, ProviderAnswer } from '../../../../testing/providers/http-provider.ts';
import { startSlack } from '../../../../testing/providers/slack.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';

const COMMON: Pick<ChannelHarness, 'channel' | 'supports' | 'templates' | 'action'> = {
  channel: slack,
  supports: { finalRefusals: true, addresses: false },
  templates: templatesOf({ 'cart/slack': 'A cart: {{ event.properties.value }}' }),
  action: (fields = {}) => makeAction({ channel: 'slack', template: 'cart', ...fields }),
};

const API: Readonly<Record<Answer, Fault | ProviderAnswer | null>> = {
  takes: null,
  later: { status: 429, headers: { 'retry-after': '1' }, body: { ok: false, error: 'ratelimited' } },
  never: { status: 200, body: { ok: false, error: 'not_in_channel' } },
  hangs: 'hangs',
  resets: 'resets',
};
const WEBHOOK: typeof API = {
  ...API,
  later: { status: 429, body: 'rate_limited' },
  never: { status: 404, body: 'no_service' },
};

for (const [events, isWebhook] of [
  [API, false],
  [WEBHOOK, true],
] as const) {
  channelSuite({
    ...COMMON,
    async start(t, answer) {
      const server = await startSlack();
      t.after(() => server.close());
      server.always(events[answer]);
      const own = isWebhook
        ? { url: server.webhookUrl }
        : { token: 'xoxb-test', channel: 'C0123456789', apiUrl: server.apiUrl };
      return {
        options: { ...own, allowPrivate: true },
        get keys() {
          return server.requests.map(({ headers }) => String(headers['idempotency-key']));
        },
      };
    },
  });
}
