import { createServer } from 'node:net';
import { email } from '../../../../connectors/channels/email/channel.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { templatesOf } from '../kit.ts';
import { type Refusals, startSmtpServer } from './smtp-server.ts';

const FROM = 'Shop <hello@shop.test>';
const REFUSALS: Readonly<Record<string, Refusals>> = {
  takes: {},
  later: { at: 'rcpt', code: 451 },
  never: { at: 'rcpt', code: 550 },
};

channelSuite({
  channel: email,
  supports: { finalRefusals: true, addresses: true },
  templates: templatesOf({ 'cart/email': '---\nsubject: Your cart\n---\nHello {{ event.properties.value }}' }),
  action: (fields = {}) =>
    makeAction({ channel: 'email', template: 'cart', context: { profile: { email: 'ann@example.com' } }, ...fields }),
  async start(t, answer: Answer) {
    const refusals = REFUSALS[answer];
    if (refusals !== undefined) {
      const { port, taken } = await startSmtpServer(t, refusals);
      return {
        options: { host: '127.0.0.1', port, from: FROM },
        get keys() {
          return taken.map((one) => one.email.messageId ?? '');
        },
      };
    }
    const keys: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      keys.push('connected');
      if (answer === 'resets') socket.resetAndDestroy();
      else t.after(() => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => void server.close());
    const address = server.address() as { port: number };
    return { options: { host: '127.0.0.1', port: address.port, from: FROM }, keys };
  },
});
