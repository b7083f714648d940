// The engine under a story of flows: the same story in, the same answer out, through the production job (Replay).

import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import { actionId } from '../../../processors/decide/actions.ts';
import { decisionId } from '../../../processors/decide/decide.ts';
import { emittedId } from '../../../processors/decide/flows/emitted.ts';
import { assign } from '../../../rules/flows/assignment.ts';
import { momentOf } from '../../../rules/flows/flow.ts';
import { isHeldOut } from '../../../rules/gates/held-out.ts';
import { checkRules } from '../../../rules/index.ts';
import { type RuleSet, ruleSetOf } from '../../../rules/project/rule-set.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Decision } from '../../../schemas/decision.ts';
import type { FlowRecord as EngineRecord } from '../../../schemas/flow-record.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { Replay } from '../../../topology/replay.ts';
import { messageOf } from '../engine.ts';
import type { FlowRule } from './rule.ts';
import type { FlowAction, FlowAnswer, FlowDecision, FlowRecord, Story } from './story.ts';

const DEDUPE = { dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
/** No event is from the future, and the wall clock never holds stream time back. */
const WALL = Date.UTC(9999, 0, 1);

/** What no rule asks for is not kept, and a rule that comes later would not know it: this one asks for all. */
const KEEPS_ALL = { id: 'keeps', when: { event: '*' }, order: 'event-time', enabled: false, if: 'size(profile) >= 0' };

/** The story as both are to tell it: with the engine's ids, versions, hold-outs and draws. */
export function asEngineTells(story: Story): Story {
  const user = (id: string) => ({ type: 'user', id });
  return {
    ...story,
    ids: {
      decision: ({ rule, entity, at, events }) => decisionId(rule, user(entity), { at, events }),
      action: ({ decision, step, attempt, at, isMoved }) =>
        actionId(momentOf({ id: decision, isMoved }, at), step, attempt),
      event: ({ flow, step, at, isMoved }) => emittedId(momentOf({ id: flow, isMoved }, at), step),
    },
    heldOut: (rule, entity) => isHeldOut({ share: 0.5, group: `rule ${rule}` }, `user/${entity}`),
    draw: ({ experiment, entity, variants, at }) =>
      assign({ experiment, entityId: entity, at, phases: [{ phase: 1, since: 0, variants }], before: null }).variant,
    versionOf: (rule) => compiled(story, [rule], null).rule(rule.id)!.version,
  };
}

/**
 * Without the records of rules that only send, whose actions tell all (docs/flows.md), but for what was not sent; and without ends by a
 * change of rules, which the engine tells when it next looks at the person.
 */
export function comparable(story: Story, answer: FlowAnswer): FlowAnswer {
  const all = story.inputs.flatMap((input) => (input.kind === 'rules' ? input.rules : []));
  const plain = new Set(
    [...story.rules, ...all]
      .filter(
        ({ then = [], goal, stopOn }) =>
          goal === undefined && stopOn === undefined && then.every((step) => 'send' in step),
      )
      .map((rule) => compiled(story, [rule], null).rule(rule.id)!.version),
  );
  const records = answer.records.filter(
    ({ kind, reason, ruleVersion }) =>
      (!plain.has(ruleVersion) || (kind === 'skipped' && reason === 'condition')) &&
      !(kind === 'ended' && reason === 'changed'),
  );
  return { ...answer, records };
}

function compiled(story: Story, rules: readonly FlowRule[], before: RuleSet | null): RuleSet {
  const text = [...rules, KEEPS_ALL].map((rule) => stringify(rule)).join('---\n');
  const caps =
    story.caps === undefined || story.caps.length === 0 ? [] : [{ file: 'caps.yaml', text: stringify(story.caps) }];
  const checked = checkRules([{ file: 'rules.yaml', text }], {
    outOfOrdernessMs: story.outOfOrdernessMs,
    entities: [],
    channels: channelTraits({}),
    context: { caps },
  });
  // One rule alone may ask for the flows of others.
  const errors = checked.errors.filter(({ message }) => !message.startsWith('unknown rule '));
  assert.deepEqual(errors.map(formatProblem), []);
  return ruleSetOf(checked.rules, checked.ruleSet.context, before);
}

/** What the engine makes of the story. */
export async function tellByEngine(story: Story): Promise<FlowAnswer> {
  const decisions: FlowDecision[] = [];
  const actions: FlowAction[] = [];
  const records: FlowRecord[] = [];
  const late: string[] = [];
  let rules = compiled(story, story.rules, null);
  const replay = await Replay.open({
    rules,
    inputs: [{ format: 'segment', entity: 'user' }],
    store: new MemoryStore(),
    outOfOrdernessMs: story.outOfOrdernessMs,
    ...DEDUPE,
    recordBytesMax: 1_000_000,
    maxClockSkewMs: 0,
    wall: WALL,
    withFacts: true,
    outputs: {
      decisions: (one) => {
        if (one.rule !== KEEPS_ALL.id) decisions.push(decisionOf(one));
      },
      actions: (one) => actions.push(actionOf(one)),
      flows: (one) => records.push(recordOf(one)),
      late: ({ messageId }) => late.push(messageId),
      'dead-letter': ({ reason, message }) => assert.fail(`${reason}: ${message}`),
    },
  });
  for (const [offset, input] of story.inputs.entries()) {
    if (input.kind === 'event') {
      const value = Buffer.from(messageOf(input.event));
      await replay.feed([{ offset, timestamp: input.event.time, key: null, value, headers: [] }]);
    } else if (input.kind === 'rules') {
      rules = compiled(story, input.rules, rules);
      replay.useRules(rules);
    } else if (input.kind === 'consent') {
      const { all, categories, channels } = input;
      const time = replay.newestTime;
      await replay.feedFact(
        'consent-change',
        factOf(
          offset,
          input.entity,
          {
            ...(all !== undefined && { all }),
            ...(categories && { categories }),
            ...(channels && { channels }),
          } as JsonObject,
          time,
        ),
      );
    } else if (input.kind === 'answer') {
      const { time, of, answer, data = {}, entity } = input;
      await replay.feedFact(
        'command',
        factOf(
          offset,
          entity,
          { kind: 'answer', of, verdict: answer, data: data as JsonObject, by: 'test', at: time },
          time,
        ),
      );
    } else assert.fail(`not told here: ${input.kind}`);
  }
  await replay.complete(story.endOfTime);
  replay.close();
  return {
    decisions: sorted(decisions, ({ at, entity, rule }) => [at, entity, rule]),
    actions: sorted(actions, ({ at, entity, rule, decision, step, attempt }) => [
      at,
      entity,
      rule,
      decision,
      step,
      attempt,
    ]),
    records: sorted(records, ({ at, entity, rule, flow }) => [at, entity, rule, flow]),
    late,
    tooDeep: 0,
  };
}

function factOf(offset: number, entity: string, value: JsonObject, timestamp: number): LogRecord {
  return {
    offset,
    timestamp: Math.max(0, timestamp),
    key: Buffer.from(entity),
    value: Buffer.from(JSON.stringify(value)),
    headers: [],
  };
}

function sorted<Item>(items: readonly Item[], keyOf: (item: Item) => readonly (string | number)[]): Item[] {
  return [...items].sort((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    for (const [place, part] of one.entries()) {
      if (part !== other[place]) return part < other[place]! ? -1 : 1;
    }
    return 0;
  });
}

function decisionOf({ id, rule, ruleVersion, entity, at, outcome, reason, events }: Decision): FlowDecision {
  return { id, rule, ruleVersion, entity: entity.id, at, outcome, reason, events: [...events] };
}

function actionOf(action: Action): FlowAction {
  const { id, decision, rule, ruleVersion, entity, at, channel, fallback, template, variant, step, attempt, data } =
    action;
  return {
    id,
    decision,
    rule,
    ruleVersion,
    entity: entity.id,
    at,
    channel,
    fallback,
    template,
    variant,
    step,
    attempt,
    data,
  };
}

function recordOf({ entity, by: _, note: __, kind, ...record }: EngineRecord): FlowRecord {
  assert.ok(kind !== 'assigned', 'nobody is assigned in these stories');
  return {
    ...record,
    kind,
    reason: kind === 'chose' || record.reason === 'review' ? null : record.reason,
    entity: entity.id,
  };
}
