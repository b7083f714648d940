import type { Channel } from '../../../../connectors/channels/channel.ts';
import { inapp } from '../../../../connectors/channels/inapp/channel.ts';
import { channelSuite } from '../../../../testing/channel-suite.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';

const keys: string[] = [];

/** What it hands over is what arrived. */
const watched: Channel = {
  ...inapp,
  connector: {
    ...inapp.connector!,
    open(options, dependencies) {
      const sender = inapp.connector!.open(options, dependencies);
      return {
        render: (action) => sender.render(action),
        close: () => sender.close(),
        async send(outgoing, signal) {
          const result = await sender.send(outgoing, signal);
          if (result.outcome === 'delivered') keys.push(String(result.handOver!['id']));
          return result;
        },
      };
    },
  },
};

channelSuite({
  channel: watched,
  supports: { provider: false, finalRefusals: false, addresses: false },
  templates: templatesOf({ 'hello/inapp': '---\ntitle: Hello\n---\nA text {{ event.properties.value }}' }),
  action: (fields = {}) => makeAction({ channel: 'inapp', template: 'hello', ...fields }),
  async start() {
    keys.length = 0;
    return { options: { secret: 'some secret of ours' }, keys };
  },
});
