// What the demo delivers to, all of it on this machine: a mail server, a receiver of webhooks, and stand-ins of Twilio and of Firebase
// Cloud Messaging. The inbox needs none.

import { type FcmStandIn, startFcm } from '../../testing/providers/fcm.ts';
import { startTwilio, type Twilio } from '../../testing/providers/twilio.ts';
import type { Narrator } from './narrator.ts';
import { type SmtpSink, startSmtpSink } from './smtp-sink.ts';
import { LANDLINE_CODE, LANDLINES } from './vips.ts';
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export interface DemoProviders {
  readonly mail: SmtpSink;
  readonly hooks: WebhookReceiver;
  readonly twilio: Twilio;
  readonly fcm: FcmStandIn;
  close(): Promise<void>;
}

/** Log-in of the stand-in, on this machine alone. */
export const TWILIO = { accountSid: 'ACdemo', authToken: 'demo, not a secret' };

/** Throws FatalError TRG_PACKAGE_MISSING. */
export async function startProviders(webhookSecret: string, narrator: Narrator): Promise<DemoProviders> {
  const mail = await startSmtpSink((received) => narrator.mail(received));
  const hooks = await startWebhookReceiver(webhookSecret, (received) => narrator.webhook(received));
  const twilio = await startTwilio(TWILIO);
  for (const number of LANDLINES) twilio.codes.set(number, LANDLINE_CODE);
  const fcm = await startFcm();
  const all = [mail, hooks, twilio, fcm];
  return {
    mail,
    hooks,
    twilio,
    fcm,
    close: async () => {
      await Promise.all(all.map((each) => each.close()));
    },
  };
}
