import type { ServerResponse } from 'node:http';
import { webhook } from '../../../../connectors/channels/webhook/channel.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';
import { startReceiver } from './receiver.ts';

const ANSWERS: Readonly<Record<Answer, (response: ServerResponse) => void>> = {
  takes: (response) => response.end(),
  later: (response) => response.writeHead(503).end(),
  never: (response) => response.writeHead(410).end(),
  hangs: () => {},
  resets: (response) => void response.socket?.resetAndDestroy(),
};

channelSuite({
  channel: webhook,
  supports: { finalRefusals: true, addresses: false },
  templates: templatesOf({}),
  action: (fields = {}) => makeAction({ data: { n: 1 }, ...fields }),
  async start(t, answer) {
    const { url, received } = await startReceiver(t, ANSWERS[answer]);
    return {
      options: { url, allowPrivate: true },
      get keys() {
        return received.map(({ headers }) => String(headers['webhook-id']));
      },
    };
  },
});
