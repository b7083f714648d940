// The files that a backtest writes into its out folder (docs/files.md).
//
// Owns: their order and their bytes. Does not own: what stands in them (summary.ts, schemas/).
//
// Invariants:
//   O1. Lines stand in order of event time, entity and rule, of flows.jsonl then by flow and as it happened, however many there are:
//       they are sorted on disk.
//   O2. Files of an earlier run are gone before the first line is written.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExternalSort } from '../../lib/external-sort.ts';
import type { FailedExpression } from '../../processors/decide/trace.ts';
import { type Action, actionJson } from '../../schemas/action.ts';
import { type Decision, decisionJson } from '../../schemas/decision.ts';
import { type FlowRecord, flowRecordJson } from '../../schemas/flow-record.ts';
import type { Late } from '../../schemas/framed.ts';
import { LineFile } from './line-file.ts';
import { People, type PeopleFigures } from './people.ts';
import { reportHtml } from './report.ts';
import { flowSortKey, sortKey } from './sort-key.ts';
import type { SummaryBuilder } from './summary.ts';
import type { RefusedExample, Summary } from './summary-schema.ts';

/** What an earlier run may have left in the out folder. */
const OUTPUTS = [
  'decisions.jsonl',
  'actions.jsonl',
  'flows.jsonl',
  'summary.json',
  'report.html',
  'dead-letters.jsonl',
  'late.jsonl',
];
const EXAMPLES_MAX = 20;

export class Output {
  readonly #folder: string;
  readonly #summary: SummaryBuilder;
  readonly #decisions: ExternalSort;
  readonly #actions: ExternalSort;
  readonly #flows: ExternalSort;
  readonly #people: People;
  readonly #files = new Map<string, LineFile>();
  readonly #examples: RefusedExample[] = [];
  readonly #refused: Record<string, number> = {};
  lateCount = 0;

  /** `work`: a folder for what is sorted. */
  constructor(folder: string, work: string, summary: SummaryBuilder) {
    mkdirSync(folder, { recursive: true });
    for (const name of OUTPUTS) rmSync(join(folder, name), { force: true });
    this.#folder = folder;
    this.#summary = summary;
    this.#decisions = new ExternalSort({ folder: work });
    this.#actions = new ExternalSort({ folder: work });
    this.#flows = new ExternalSort({ folder: work });
    this.#people = new People(work);
  }

  decision(decision: Decision): void {
    this.#summary.decision(decision);
    this.#people.decision(decision);
    this.#decisions.add(sortKey(decision), JSON.stringify(decisionJson(decision)));
  }

  action(action: Action): void {
    this.#summary.action(action);
    this.#people.action(action);
    this.#actions.add(sortKey(action), JSON.stringify(actionJson(action)));
  }

  flow(record: FlowRecord): void {
    this.#summary.flow(record);
    this.#flows.add(flowSortKey(record), JSON.stringify(flowRecordJson(record)));
  }

  late({ entity, messageId, event, timestamp, evaluatedTo, rules }: Late): void {
    this.lateCount++;
    const line = { entity, messageId, event, timestamp: isoOf(timestamp), evaluatedTo: isoOf(evaluatedTo), rules };
    this.#file('late.jsonl').add(JSON.stringify(line));
  }

  expressionFailed(failed: FailedExpression): void {
    this.#summary.expressionFailed(failed);
  }

  refuse(refused: RefusedExample): void {
    this.#refused[refused.reason] = (this.#refused[refused.reason] ?? 0) + 1;
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(refused);
    this.#file('dead-letters.jsonl').add(JSON.stringify(refused));
  }

  refusals() {
    return { deadLetters: this.#refused, deadLetterExamples: this.#examples };
  }

  async flush(): Promise<void> {
    for (const file of this.#files.values()) await file.flush();
  }

  async finish(summarise: (builder: SummaryBuilder, people: PeopleFigures) => Summary): Promise<Summary> {
    await this.#write('decisions.jsonl', this.#decisions);
    await this.#write('actions.jsonl', this.#actions);
    await this.#write('flows.jsonl', this.#flows);
    for (const file of this.#files.values()) await file.close();
    const summary = summarise(this.#summary, this.#people.figures());
    writeFileSync(join(this.#folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    writeFileSync(join(this.#folder, 'report.html'), reportHtml(summary));
    return summary;
  }

  abandon(): void {
    this.#decisions.close();
    this.#actions.close();
    this.#flows.close();
    this.#people.close();
  }

  async #write(name: string, sort: ExternalSort): Promise<void> {
    const file = new LineFile(join(this.#folder, name));
    let lines = 0;
    for (const line of sort.sorted()) {
      file.add(line);
      if (++lines % 1_000 === 0) await file.flush();
    }
    await file.close();
  }

  #file(name: string): LineFile {
    let file = this.#files.get(name);
    if (file === undefined) this.#files.set(name, (file = new LineFile(join(this.#folder, name))));
    return file;
  }
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}
