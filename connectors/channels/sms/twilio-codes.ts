// What Twilio's error codes mean for a message, its number and the channel: a table, as both the answer to a message and what
// is heard of it later name them.
//
// Each code is explained at https://www.twilio.com/docs/api/errors/<code>, and all are listed at
// https://www.twilio.com/docs/api/errors. Twilio splits codes now and then (July 2024: 21211, 21212, 21606, 21614), so one that is
// not here is judged by the status of the answer.

/**
 * later: trying again may help. never: not this message. dead: this number takes no messages. opt-out: its owner said no. stop:
 * no message of the channel can go out.
 */
export type TwilioVerdict = 'later' | 'never' | 'dead' | 'opt-out' | 'stop';

interface TwilioCode {
  readonly verdict: TwilioVerdict;
  /** Ours, since Twilio's own may name the number. */
  readonly words: string;
}

const code = (verdict: TwilioVerdict, words: string): TwilioCode => ({ verdict, words });

export const TWILIO_CODES: ReadonlyMap<number, TwilioCode> = new Map([
  // Account and credentials.
  [10001, code('stop', 'account not active')],
  [20003, code('stop', 'wrong credentials')],
  [20005, code('stop', 'account not active')],
  [20008, code('stop', 'not possible with test credentials')],
  [20404, code('stop', 'no such account')],
  [20429, code('later', 'too many requests')],
  [20500, code('later', 'internal error')],
  [20503, code('later', 'not available')],
  // The sender.
  [21212, code('stop', 'invalid sender')],
  [21603, code('stop', 'no sender')],
  [21606, code('never', 'the sender cannot reach this destination')],
  [21659, code('never', 'the sender cannot reach this destination')],
  [21660, code('stop', 'the sender belongs to another account')],
  [21661, code('stop', 'the sender cannot send SMS')],
  [21703, code('never', 'the messaging service has no sender for this number')],
  [21705, code('stop', 'no such messaging service')],
  [21730, code('later', 'under maintenance')],
  // The number.
  [21211, code('dead', 'invalid number')],
  [21265, code('dead', 'a short code')],
  [21408, code('never', 'the region is not enabled')],
  [21604, code('never', 'no number')],
  [21608, code('never', 'a trial account reaches verified numbers only')],
  [21610, code('opt-out', 'opted out')],
  [21612, code('never', 'no way from the sender to this number')],
  [21614, code('dead', 'not a mobile number')],
  [21635, code('dead', 'a landline')],
  // The text.
  [21602, code('never', 'no text')],
  [21617, code('never', 'longer than 1,600 characters')],
  // Delivery, most often told later.
  [30001, code('later', 'queue overflow')],
  [30002, code('stop', 'account suspended')],
  [30003, code('later', 'handset unreachable')],
  [30004, code('never', 'blocked')],
  [30005, code('dead', 'unknown handset')],
  [30006, code('dead', 'landline or unreachable carrier')],
  [30007, code('never', 'filtered')],
  [30008, code('later', 'unknown error')],
  [30022, code('later', 'too many messages a second')],
  [30023, code('later', 'daily limit')],
  [30034, code('never', 'sender not registered for the United States')],
  [30410, code('later', 'carrier timed out')],
  [30500, code('later', 'internal error')],
  [63038, code('later', 'daily limit of the account')],
]);
