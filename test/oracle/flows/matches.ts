// The matches of all rules in what an entity has seen so far, as candidates.

import { type OracleMatch, valueText } from '../match.ts';
import { matchesOf } from '../patterns.ts';
import { byOf, concerns, hasDeadline, laneOf, type OracleEvent } from '../rule.ts';
import type { Lane } from './scope.ts';
import type { Candidate, Entity, Version, World } from './world.ts';

/** Those that the event completes, which is the newest of its lane. */
export function matchesOfEvent(world: World, entity: Entity, event: OracleEvent, lane: Lane): Candidate[] {
  return world.versions
    .filter(({ rule }) => laneOf(rule) === lane && concerns(rule, event))
    .flatMap((version) => {
      const events = eventsOf(entity, version);
      const depth = world.depths.get(event.messageId) ?? 0;
      return matchesOf(version.rule, events)
        .filter(({ due, place }) => !due && place === events.length - 1)
        .map((match) => candidateOf(version, match, events, depth));
    });
}

/** Deadlines to come, as far as they follow from what was evaluated so far. */
export function deadlinesAt(world: World, entity: Entity): Candidate[] {
  const past = Math.max(entity.lastEventAt, entity.lastTimerAt);
  return world.versions
    .filter(({ rule }) => laneOf(rule) === 'event-time' && hasDeadline(rule))
    .flatMap((version) => {
      const events = eventsOf(entity, version);
      return matchesOf(version.rule, events)
        .filter((match) => match.due && match.at >= past)
        .filter((match) => !entity.deadlinesDone.has(deadlineKey(version.rule.id, match)))
        .map((match) => candidateOf(version, match, events, 0));
    });
}

/** By it a deadline is known that has had its turn. */
export function deadlineKey(rule: string, match: Pick<OracleMatch, 'at' | 'events'>): string {
  return `${rule} ${match.at} ${match.events.join()}`;
}

/** What the rule has seen, since it began or began anew. */
function eventsOf(entity: Entity, { rule, bornAt }: Version): OracleEvent[] {
  const { arrived, seen } = entity.born[bornAt]!;
  return laneOf(rule) === 'arrival' ? entity.arrived.slice(arrived) : entity.seen.slice(seen);
}

function candidateOf(version: Version, match: OracleMatch, events: readonly OracleEvent[], depth: number): Candidate {
  const by = byOf(version.rule);
  const first = events.find(({ messageId }) => match.events.includes(messageId));
  const value = by === undefined || first === undefined ? undefined : valueText(by, { event: first });
  return { version, match, by: value, depth, isReviewed: false, edits: {} };
}
