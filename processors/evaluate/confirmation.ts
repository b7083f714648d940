// Who has to confirm: after a change of consent, the event by which a rule learns of it.
//
// Invariants:
//   O1. Asked is who said yes to what must be confirmed, and has not confirmed it since the last no; not who said no meanwhile, and
//       not what was said so long ago that the link would be good no more.

import type { RuleContext } from '../../rules/project/context.ts';
import { type ConfirmationLinks, consentRequested } from '../../schemas/consent-request.ts';
import { channelConsent, EVERY_CATEGORY, isConfirmedYes, isYes, saidIn } from '../../schemas/consent-wish.ts';
import type { Event } from '../../schemas/event.ts';
import { CONSENT_EVENT } from '../../schemas/internal-events.ts';
import type { Sections } from '../../schemas/section.ts';
import { wishesOf } from '../../state/entity/facts.ts';

const CHANNEL = channelConsent('');

/** `userId`: whose consent the event changed; `now`: wall time, ms. Null: nobody has to be asked. */
export function confirmationAsked(
  { event: name, properties, time, messageId }: Event,
  { userId, sections, now }: { readonly userId: string; readonly sections: Sections; readonly now: number },
  { doubleOptIn }: Pick<RuleContext, 'doubleOptIn'>,
  links: ConfirmationLinks,
): Event | null {
  if (name !== CONSENT_EVENT || properties['confirmed'] !== false || now > time + links.withinMs) return null;
  const wish = wishesOf(sections);
  const asked = saidIn(properties).flatMap(([about, allowed]) => {
    const own = wish(about);
    const isPending = own !== undefined && isYes(own) && !isConfirmedYes(own, wish(EVERY_CATEGORY));
    return allowed && isPending && doubleOptIn.has(about) ? [about] : [];
  });
  if (asked.length === 0) return null;
  const [channels, categories] = [true, false].map((isChannel) =>
    asked.filter((each) => each.startsWith(CHANNEL) === isChannel),
  );
  const request = {
    userId,
    categories: categories!,
    channels: channels!.map((each) => each.slice(CHANNEL.length)),
    at: time,
  };
  const source = properties['source'];
  return consentRequested(request, links, {
    cause: messageId,
    source: typeof source === 'string' ? source : null,
    now: Math.max(now, time),
  });
}
