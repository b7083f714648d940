// Asks models beside the task: requests in, answers out, each with the entity, model and time of its request.
//
// Owns: that each request gets its answer, bounds. Does not own: the exchange (http-scorer.ts, onnx-scorer.ts), what an
// answer is for (processors/decide/scores.ts).
//
// Invariants:
//   M1. A request counts as read once it is in the store, and leaves it together with its answer; so each is answered,
//       also after a crash, perhaps twice, which whoever reads it takes for one.
//   M2. A model that fails or takes too long gives no score (null), at once: its default then stands.
//   M3. Bounded (I8): ASKING_MAX exchanges at a time, and WAITING_MAX more in line before the task reads no more.

import { decodeScoreRequest, type ScoreRequest } from '../../processors/decide/scores.ts';
import { stateCodec } from '../../schemas/codec.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import type { DocumentSpec, DocumentStore } from '../../state/store/api.ts';
import type { Scorer } from './scorer.ts';

/** Enough for 640 answers a second and a task from a model that takes 50 ms. */
const ASKING_MAX = 32;
const WAITING_MAX = 256;
/** What is unanswered this long after it was read is asked again: the process that asked has died. */
const LEASE_MS = 60_000;

interface AskedScores {
  dueAt: number;
  requests: readonly ScoreRequest[];
}

const codec = stateCodec<AskedScores>('state/asked-scores');

export const askedScoresSpec: DocumentSpec<AskedScores> = {
  encode: codec.write,
  decode(input) {
    const { dueAt, requests } = codec.read(input);
    return { dueAt, requests: [...requests] };
  },
  dueAt: ({ dueAt }) => dueAt,
  dueBy: 'wall-time',
};

export interface AskModelsOptions {
  readonly store: string;
  /** By the model's id. Shared by the tasks; closed by whoever opened them. */
  readonly scorers: ReadonlyMap<string, Scorer>;
}

/** Children: `scores`, `dead-letter`. */
export class AskModels implements Processor<SourceRecord> {
  readonly #options: AskModelsOptions;
  #context!: ProcessorContext;
  #store!: DocumentStore<AskedScores>;
  readonly #waiting: ScoreRequest[] = [];
  /** Names of the requests that are in line or being asked. */
  readonly #open = new Set<string>();
  #asking = 0;
  #stopping = false;

  constructor(options: AskModelsOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#store = context.store(this.#options.store);
  }

  process({ value: { record } }: Message<SourceRecord>): void {
    const request = decodeScoreRequest(record.value ?? new Uint8Array(0));
    const key = keyOf(request);
    const requests = this.#store.get(key)?.requests ?? [];
    if (requests.some((one) => nameOf(one) === nameOf(request))) return;
    this.#store.put(key, { dueAt: this.#leaseEnd(), requests: [...requests, request] });
    this.#open.add(nameOf(request));
    this.#waiting.push(request);
    this.#pump();
  }

  due(key: string, at: number): void {
    const doc = this.#store.get(key)!;
    for (const request of doc.requests) {
      if (this.#open.has(nameOf(request))) continue;
      this.#open.add(nameOf(request));
      this.#waiting.push(request);
    }
    this.#store.put(key, { ...doc, dueAt: Math.max(this.#leaseEnd(), at + 1) });
    this.#pump();
  }

  busy(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  stop(): void {
    this.#stopping = true;
  }

  #leaseEnd(): number {
    return this.#context.wallTime() + LEASE_MS;
  }

  #pump(): void {
    while (!this.#stopping && this.#asking < ASKING_MAX && this.#waiting.length > 0) this.#ask(this.#waiting.shift()!);
  }

  #ask(request: ScoreRequest): void {
    this.#asking++;
    this.#context.run(
      (signal) => this.#scoreOf(request, signal),
      (value) => {
        this.#asking--;
        this.#answer(request, value);
        this.#pump();
      },
      () => null,
    );
  }

  /** Null: there is none (M2). */
  async #scoreOf(request: ScoreRequest, signal: AbortSignal): Promise<number | null> {
    try {
      return (await this.#options.scorers.get(request.model)?.score(request, signal)) ?? null;
    } catch {
      return null;
    }
  }

  #answer(request: ScoreRequest, value: number | null): void {
    const { entity, model, at } = request;
    this.#context.count(value === null ? 'score-failed' : 'score-answered', { model });
    const key = keyOf(request);
    this.#open.delete(nameOf(request));
    const doc = this.#store.get(key);
    const requests = (doc?.requests ?? []).filter((one) => nameOf(one) !== nameOf(request));
    if (requests.length === 0) this.#store.delete(key);
    else this.#store.put(key, { dueAt: doc!.dueAt, requests });
    const answer: JsonObject = { model, value, at };
    const type = Buffer.from(entity.type);
    this.#context.forward(
      { key: entity.id, value: answer, timestamp: at, headers: [['tripline-entity', type]] },
      'scores',
    );
  }
}

function keyOf({ entity }: ScoreRequest): string {
  return `${entity.type}/${entity.id}`;
}

function nameOf(request: ScoreRequest): string {
  return `${request.model} ${request.at} ${keyOf(request)}`;
}
