import { push } from '../../../../connectors/channels/push/channel.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import { refusal, startApns } from '../../../../testing/providers/apns.ts';
import { fcmError, startFcm } from '../../../../testing/providers/fcm.ts';
import type { PushAnswer } from '../../../../testing/providers/push-server.ts';
import { startWebPush } from '../../../../testing/providers/web-push.ts';
import { android, apnsOptions, browser, ios, pushAction, TEMPLATES, vapidKeys } from './kit.ts';

const supports = { finalRefusals: true, addresses: false };

const FCM: Readonly<Record<Answer, PushAnswer>> = {
  takes: { status: 200 },
  later: fcmError(503, 'UNAVAILABLE', 'UNAVAILABLE'),
  never: fcmError(404, 'NOT_FOUND', 'UNREGISTERED'),
  hangs: 'hang',
  resets: 'reset',
};

channelSuite({
  channel: push,
  supports,
  templates: TEMPLATES,
  action: (fields = {}) => pushAction([android('t1')], fields),
  async start(t, answer) {
    const fcm = await startFcm({ answer: () => FCM[answer] });
    t.after(() => fcm.close());
    return {
      options: { fcm: { serviceAccount: fcm.serviceAccount, url: fcm.url, allowPrivate: true } },
      get keys() {
        return fcm.messages.map(({ data }) => data!['action']!);
      },
    };
  },
});

const APNS: Readonly<Record<Answer, PushAnswer>> = {
  takes: { status: 200 },
  later: refusal(503, 'ServiceUnavailable'),
  never: refusal(410, 'Unregistered', { timestamp: 1 }),
  hangs: 'hang',
  resets: 'reset',
};

channelSuite({
  channel: push,
  supports,
  templates: TEMPLATES,
  action: (fields = {}) => pushAction([ios('t1')], fields),
  async start(t, answer) {
    const apns = await startApns({ answer: () => APNS[answer] });
    t.after(() => apns.close());
    return {
      options: { apns: apnsOptions(apns) },
      get keys() {
        return apns.messages.map(({ headers }) => headers['apns-id']!);
      },
    };
  },
});

const WEB: Readonly<Record<Answer, PushAnswer>> = {
  takes: { status: 201 },
  later: { status: 429, headers: { 'retry-after': '60' } },
  never: { status: 410 },
  hangs: 'hang',
  resets: 'reset',
};

let device = android('none yet');

channelSuite({
  channel: push,
  supports,
  templates: TEMPLATES,
  action: (fields = {}) => pushAction([device], fields),
  async start(t, answer) {
    const web = await startWebPush({ answer: () => WEB[answer] });
    t.after(() => web.close());
    device = browser(web, 'b1');
    return {
      options: { web: { subject: 'mailto:ops@shop.test', ...vapidKeys(), allowPrivate: true } },
      get keys() {
        return web.messages.map(({ topic }) => topic!);
      },
    };
  },
});
