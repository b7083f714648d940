// Who asks for an event: rules of either lane, facts that are kept of it, counts of its name.

import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { DELIVERY_OUTCOMES } from '../../schemas/delivery.ts';
import type { Event } from '../../schemas/event.ts';
import { ANSWER_EVENT, DELIVERY_TYPE, PRESENCE_EVENT } from '../../schemas/internal-events.ts';
import { isInstantFact, isInstantFactName, setsAttributes } from './facts.ts';

export interface Concern {
  readonly arrival: readonly CompiledRule[];
  readonly ordered: readonly CompiledRule[];
  /** Rules whose flows it may concern. */
  readonly flowing: readonly CompiledRule[];
  /** Whether it tells attributes that somebody reads. */
  readonly changes: boolean;
  /** The longest window in which its name is counted, ms; undefined: nobody counts it. */
  readonly historyMs: number | undefined;
  readonly isFact: boolean;
  /** How long it counts as presence, ms; undefined: nobody asks, or it is none. */
  readonly presenceMs: number | undefined;
  /** It tells a device that messages may go to. */
  readonly tellsDevice: boolean;
  /** A person answers something that waits. */
  readonly isAnswer: boolean;
  /** It tells what came of a message. */
  readonly isDelivery: boolean;
}

/** Null: nobody asks for it. */
export function concernOf(rules: RuleSet, entity: string, event: Event): Concern | null {
  const arrival = rules.interested(entity, 'arrival', event.event);
  const ordered = rules.interested(entity, 'event-time', event.event);
  const flowing = rules.flowing(entity, event.event);
  const needs = rules.needs(entity);
  const changes = setsAttributes(event, needs);
  const historyMs = needs.history.get(event.event);
  const isFact = isInstantFact(event);
  const presenceMs =
    needs.history.has(PRESENCE_EVENT) && isPresence(event) ? needs.history.get(PRESENCE_EVENT) : undefined;
  const tellsDevice = needs.devices && 'device' in event.context;
  const isDelivery =
    event.type === DELIVERY_TYPE || (rules.context.deliveriesByName && isOutcomeName(rules, event.event));
  const isAnswer = event.event === ANSWER_EVENT;
  const isAsked =
    isAnswer ||
    arrival.length > 0 ||
    ordered.length > 0 ||
    flowing.length > 0 ||
    changes ||
    historyMs !== undefined ||
    isFact ||
    presenceMs !== undefined ||
    tellsDevice ||
    isDelivery;
  return isAsked
    ? { arrival, ordered, flowing, changes, historyMs, isFact, presenceMs, tellsDevice, isAnswer, isDelivery }
    : null;
}

/** Who has an app or a page open is there. */
function isPresence({ context }: Event): boolean {
  return 'app' in context || 'page' in context;
}

function isOutcomeName({ context }: RuleSet, name: string): boolean {
  const at = name.lastIndexOf('_');
  return at > 0 && context.channels.has(name.slice(0, at)) && OUTCOMES.has(name.slice(at + 1));
}

const OUTCOMES: ReadonlySet<string> = new Set(DELIVERY_OUTCOMES);

/** Whether an event of type `track` and this name leaves a trace anywhere. */
export function asksFor(rules: RuleSet, entity: string, name: string): boolean {
  const { history, devices } = rules.needs(entity);
  // What its context says is not known by its name.
  if (devices || history.has(PRESENCE_EVENT)) return true;
  return (
    rules.interested(entity, 'event-time', name).length > 0 ||
    rules.interested(entity, 'arrival', name).length > 0 ||
    rules.flowing(entity, name).length > 0 ||
    history.has(name) ||
    isInstantFactName(name)
  );
}
