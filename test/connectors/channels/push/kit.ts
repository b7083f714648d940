// A push channel with stand-ins of its services.

import { createECDH } from 'node:crypto';
import type { TestContext } from 'node:test';
import { openChannel } from '../../../../connectors/channels/channel.ts';
import { push } from '../../../../connectors/channels/push/channel.ts';
import type { Action, Device } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { type ApnsOptions, type ApnsStandIn, startApns } from '../../../../testing/providers/apns.ts';
import { type FcmOptions, type FcmStandIn, startFcm } from '../../../../testing/providers/fcm.ts';
import { startWebPush, type WebPushOptions, type WebPushStandIn } from '../../../../testing/providers/web-push.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { type AttemptingSender, attempting, DEPENDENCIES, templatesOf } from '../kit.ts';

export const NO_ABORT = new AbortController().signal;

export const TEMPLATES = templatesOf({
  'hello/push':
    '---\ntitle: "Hello {{ profile.name }}"\nurl: https://shop.test/cart\nimage: https://shop.test/c.png\n---\nYour cart waits.',
  'bare/push': 'Your cart waits.',
  'long/push': '---\ntitle: Long\n---\n{{ data.text }}',
});

export function pushAction(devices: readonly Device[], fields: Partial<Action> = {}): Action {
  return makeAction({
    channel: 'push',
    template: 'hello',
    context: { profile: { name: 'Ada' } },
    devices,
    ...fields,
  });
}

export function android(token: string, id = token): Device {
  return { id, type: 'android', token, app: 'test.shop', subscription: null };
}

export function ios(token: string, id = token): Device {
  return { id, type: 'ios', token, app: 'test.shop', subscription: null };
}

export function browser(service: WebPushStandIn, name: string): Device {
  return { id: name, type: 'web', token: null, app: null, subscription: service.subscribe(name) };
}

export function vapidKeys() {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  const privateKey = Buffer.alloc(32);
  keys.getPrivateKey().copy(privateKey, 32 - keys.getPrivateKey().length);
  return { publicKey: keys.getPublicKey('base64url'), privateKey: privateKey.toString('base64url') };
}

export interface PushKit {
  readonly sender: AttemptingSender;
  readonly clock: FakeClock;
  readonly fcm: FcmStandIn;
  readonly apns: ApnsStandIn;
  readonly web: WebPushStandIn;
}

interface KitOptions {
  readonly fcm?: FcmOptions;
  readonly apns?: ApnsOptions;
  readonly web?: WebPushOptions;
  /** Over those that reach the stand-ins. */
  readonly options?: Readonly<Record<string, object>>;
  readonly ruleDescription?: (rule: string) => string | null;
}

export function apnsOptions({ url, key }: ApnsStandIn) {
  return { url, key, keyId: 'K1', teamId: 'T1', topic: 'test.shop', allowPrivate: true };
}

export async function startPush(t: TestContext, given: KitOptions = {}): Promise<PushKit> {
  const clock = new FakeClock();
  const [fcm, apns, web] = await Promise.all([
    startFcm(given.fcm),
    startApns({ now: () => clock.now(), ...given.apns }),
    startWebPush(given.web),
  ]);
  const options = {
    fcm: { serviceAccount: fcm.serviceAccount, url: fcm.url, allowPrivate: true },
    apns: apnsOptions(apns),
    web: { subject: 'mailto:ops@shop.test', ...vapidKeys(), allowPrivate: true },
    ...given.options,
  };
  const { ruleDescription = DEPENDENCIES.ruleDescription } = given;
  const sender = attempting(
    openChannel(push, options, { ...DEPENDENCIES, clock, templates: TEMPLATES, ruleDescription }),
  );
  t.after(async () => {
    await sender.close();
    await Promise.all([fcm.close(), apns.close(), web.close()]);
  });
  return { sender, clock, fcm, apns, web };
}
