// What the rules of a project decide about events: the production evaluator, time and storage in memory.
//
// Owns: events in a test's own words. Does not own: evaluating them (topology/replay.ts).

import { resolve } from 'node:path';
import { parseInstant } from '../lib/instant.ts';
import type { Action } from '../schemas/action.ts';
import { type DecisionJson, decisionJson } from '../schemas/decision.ts';
import type { JsonObject } from '../schemas/json.ts';
import { CONFIG_FILE, loadConfig } from '../services/config/index.ts';
import { otherEntities } from '../services/job/source-format.ts';
import { loadFlawlessProject } from '../services/project/load-project.ts';
import { MemoryStore } from '../state/store/memory-store.ts';
import { END_OF_TIME, Replay } from '../topology/replay.ts';

export interface DecideOptions {
  /** The folder with tripline.yaml. */
  readonly project: string;
  /** Messages as Segment has them: `{ userId, event, timestamp, properties }`; `type` is `track` unless it says otherwise. */
  readonly events: readonly JsonObject[];
  /** Until when time goes on after the last event, ISO-8601: timers due by then fire. Left out: it stays there. */
  readonly until?: string;
}

export interface Decided {
  /** As in `decisions.jsonl`, suppressed ones too. */
  readonly decisions: readonly DecisionJson[];
  /** What would be sent, in order. */
  readonly actions: readonly Action[];
  /** Why an event could not be used. */
  readonly refused: readonly string[];
}

/** Throws FatalError TRG_CONFIG_INVALID and TRG_RULES_INVALID with every mistake. */
export async function decide({ project, events, until }: DecideOptions): Promise<Decided> {
  const folder = resolve(project);
  const { config } = loadConfig({ file: CONFIG_FILE, folder, env: {}, withoutSecrets: true });
  const { rules } = loadFlawlessProject({ paths: [config.rules], folder, config, needsTemplates: false });
  const decisions: DecisionJson[] = [];
  const actions: Action[] = [];
  const refused: string[] = [];
  const replay = await Replay.open({
    rules: rules.ruleSet,
    inputs: [{ format: 'segment', entity: 'user', others: otherEntities(config, 'segment', 'user') }],
    store: new MemoryStore(),
    recordBytesMax: config.limits.recordBytes,
    outOfOrdernessMs: config.outOfOrdernessMs,
    dedupeWindowMs: config.dedupeWindowMs,
    dedupeMax: config.dedupeMax,
    maxClockSkewMs: 0,
    // The test's own time is all there is: no event is from the future.
    wall: END_OF_TIME,
    outputs: {
      decisions: (decision) => decisions.push(decisionJson(decision)),
      actions: (action) => actions.push(action),
      'dead-letter': ({ message }) => refused.push(message),
    },
  });
  const records = events.map((event, offset) => {
    const message = { type: 'track', messageId: `event-${offset + 1}`, ...event };
    const timestamp = parseInstant(String(event['timestamp']));
    return { offset, timestamp, key: null, value: Buffer.from(JSON.stringify(message)), headers: [] };
  });
  await replay.feed(records);
  const last = records.reduce((newest, { timestamp }) => Math.max(newest, timestamp), 0);
  await replay.complete(until === undefined ? last : parseInstant(until));
  replay.close();
  return { decisions, actions, refused };
}
