import { logChannel } from '../../../../connectors/channels/log/channel.ts';
import type { Print } from '../../../../connectors/channels/log/sender.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import { makeAction, templatesOf } from '../../../../testing/sample-action.ts';

const ANSWERS: Readonly<Record<Answer, () => Promise<void>>> = {
  takes: () => Promise.resolve(),
  later: () => Promise.reject(Object.assign(new Error('busy'), { code: 'EAGAIN' })),
  never: () => Promise.reject(new Error('closed')),
  hangs: () => new Promise(() => {}),
  resets: () => Promise.reject(Object.assign(new Error('gone'), { code: 'EPIPE' })),
};

let keys: string[] = [];
let answer: Answer = 'takes';
const print: Print = (text) => {
  keys.push(text.trimEnd().split('  ').at(-1)!);
  return ANSWERS[answer]();
};

channelSuite({
  channel: logChannel(print),
  supports: { finalRefusals: false, addresses: false },
  templates: templatesOf({}),
  action: (fields = {}) => makeAction({ channel: 'log', data: { n: 1 }, ...fields }),
  start(_t, chosen) {
    keys = [];
    answer = chosen;
    return Promise.resolve({ options: {}, keys });
  },
});
