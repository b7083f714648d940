import { sms } from '../../../../connectors/channels/sms/channel.ts';
import { type Answer, type ChannelHarness, channelSuite } from '../../../../testing/channel-suite.ts';
import type { Fault, ProviderAnswer } from '../../../../testing/providers/http-provider.ts';
import { startHttpProvider } from '../../../../testing/providers/http-provider.ts';
import { startTwilio } from '../../../../testing/providers/twilio.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';

const ACCOUNT = { accountSid: 'ACtest', authToken: 'secret' };
const COMMON: Pick<ChannelHarness, 'channel' | 'supports' | 'templates' | 'action'> = {
  channel: sms,
  supports: { finalRefusals: true, addresses: true },
  templates: templatesOf({ 'cart/sms': 'Your cart, {{ event.properties.value }}!' }),
  action: (fields = {}) =>
    makeAction({ channel: 'sms', template: 'cart', context: { profile: { phone: '+15005550006' } }, ...fields }),
};

channelSuite({
  ...COMMON,
  async start(t, answer) {
    const events: Readonly<Record<Answer, Fault | ProviderAnswer | null>> = {
      takes: null,
      later: { status: 429, body: { code: 20429 } },
      never: { status: 400, body: { code: 21610 } },
      hangs: 'hangs',
      resets: 'resets',
    };
    const twilio = await startTwilio(ACCOUNT);
    t.after(() => twilio.close());
    twilio.always(events[answer]);
    return {
      options: { ...ACCOUNT, url: twilio.url, from: '+15005550006', allowPrivate: true },
      get keys() {
        return twilio.requests.map(({ headers }) => String(headers['idempotency-key']));
      },
    };
  },
});

channelSuite({
  ...COMMON,
  async start(t, answer) {
    const events: Readonly<Record<Answer, Fault | ProviderAnswer | null>> = {
      takes: null,
      later: { status: 503 },
      never: { status: 422 },
      hangs: 'hangs',
      resets: 'resets',
    };
    const gateway = await startHttpProvider(() => ({ status: 202 }));
    t.after(() => gateway.close());
    gateway.always(events[answer]);
    const body = '{"to": {{ to | json }}, "text": {{ text | json }}, "ref": {{ action | json }}}';
    return {
      options: { provider: 'http', url: gateway.url, body, allowPrivate: true },
      get keys() {
        return gateway.requests.map(({ headers }) => String(headers['idempotency-key']));
      },
    };
  },
});
