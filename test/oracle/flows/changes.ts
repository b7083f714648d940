// Changes of the rules, and what becomes of flows that wait.
//
// Invariants:
//   C1. A rule that stays as it was goes on as if nothing had happened; a changed one keeps what its pattern has seen while `when`
//       stays as it was; any other begins anew.
//   C2. What a change ends, it ends at stream time, or when the flow last did something, if that is later.

import { isDeepStrictEqual } from 'node:util';
import { programOf, survivor } from './program.ts';
import { type FlowRule, refuseUnmodelledFlow } from './rule.ts';
import { end } from './steps.ts';
import type { Flow, Version, World } from './world.ts';

/** The `change`-th set of rules; 0: the first. */
export function versionsOf(world: World, rules: readonly FlowRule[], change: number): Version[] {
  return rules.map((rule) => {
    refuseUnmodelledFlow(rule);
    const before = world.versions.find((one) => one.rule.id === rule.id);
    if (before !== undefined && isDeepStrictEqual(meaningOf(before.rule), meaningOf(rule))) return before;
    const keeps =
      before !== undefined && isDeepStrictEqual(before.rule.when, rule.when) && before.rule.order === rule.order;
    const label = (world.story.versionOf ?? ((_rule, number) => `v${number}`))(rule, change);
    return { rule, program: programOf(rule), label, bornAt: keeps ? before.bornAt : change };
  });
}

interface NotMeant {
  readonly description?: unknown;
  readonly owner?: unknown;
  readonly tests?: unknown;
}

/** A version changes with everything but these. */
function meaningOf(rule: FlowRule): object {
  const { description: _description, owner: _owner, tests: _tests, ...rest } = rule as FlowRule & NotMeant;
  return rest;
}

export function changeRules(world: World, rules: readonly FlowRule[], change: number): void {
  for (const entity of world.entities.values()) {
    entity.born.push({ arrived: entity.arrived.length, seen: entity.seen.length });
  }
  world.versions = versionsOf(world, rules, change);
  for (const entity of world.entities.values()) {
    for (const flow of entity.flows) if (flow.waiting !== null) changeFlow(world, flow, entity);
    entity.pending = entity.pending.filter(({ candidate }) => currentOf(world, candidate.version) !== undefined);
    entity.waitingForFlows = entity.waitingForFlows.flatMap(({ event, candidate }) => {
      const version = currentOf(world, candidate.version);
      return version === undefined ? [] : [{ event, candidate: { ...candidate, version } }];
    });
  }
}

function currentOf(world: World, { rule }: Version): Version | undefined {
  return world.versions.find((one) => one.rule.id === rule.id);
}

function changeFlow(world: World, flow: Flow, entity: Parameters<typeof end>[0]['entity']): void {
  const before = flow.version;
  const after = currentOf(world, before);
  if (after === before) return;
  // Who changes the rule says what becomes of its flows; of one that is gone, it had said so itself.
  const inFlight = (after ?? before).rule.inFlight ?? 'move';
  if (inFlight === 'finish') return;
  const waiting = flow.waiting!;
  const at = Math.max(world.streamTime, waiting.since);
  const old = before.program[waiting.step]!;
  const found = after === undefined || inFlight === 'end' ? null : survivor(old, before.program, after.program);
  if (after === undefined || found === null) {
    end({ entity, at, lane: 'event-time' }, flow, 'changed');
    return;
  }
  flow.version = after;
  flow.isMoved = true;
  // A wait keeps its deadline. Where it is no longer the same kind of step, the flow goes on with what was found, then.
  const isSame = found.kind === old.kind && isSurvivorItself(found, old) && waiting.kind !== 'moved';
  flow.waiting = { ...waiting, step: found.number, kind: isSame ? waiting.kind : 'moved' };
}

function isSurvivorItself(
  found: { name: string | null; place: string },
  old: { name: string | null; place: string },
): boolean {
  return old.name === null ? found.name === null && found.place === old.place : found.name === old.name;
}
