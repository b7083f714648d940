// Schemas of a registry, kept by id: those that sources of other teams were written with.
//
// Invariants:
//   K1. What an id means never changes, so it is asked for once; that there is none may change, and is asked again after
//       MISSING_MS.
//   K2. At most SCHEMAS_MAX are kept (I8); one that had to go is loaded again when it is needed.
//   K3. While the registry does not answer, who needs a schema waits, and each try is said (I6).
//
// Edge `schema`: a record needs a schema of the registry.
//   throws: asked again until it answers, with a line in the log each time. Records that need it wait, in their order; other tasks go on
//   rejects: as a throw
//   hangs: given up after 10 s, and asked again as after a throw
//   too large: of an answer 2 MiB are read; a schema that does not fit is none, and records that need it are dead letters

import type { Clock } from '../../../lib/clock.ts';
import { describeError, RecordError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { avroJsonReader } from '../../../schemas/avro-json.ts';
import type { FoundSchema, SchemaLookup } from '../../../schemas/schema-lookup.ts';
import type { RegisteredSchema, RegistryClient } from './client.ts';

export interface SchemaCacheOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly schemasMax?: number;
}

/** More than a registry usually has; a schema takes some 10 KB. */
const SCHEMAS_MAX = 1_000;
/** A sender's wrong id costs one request a minute. */
const MISSING_MS = 60_000;
const FIRST_RETRY_MS = 500;
const RETRY_MAX_MS = 15_000;
/** More than schemas that people write refer to, and little enough to be loaded before one record. */
const REFERENCES_MAX = 100;

interface Kept {
  readonly schema: FoundSchema;
  /** When to ask again, ms. */
  readonly until: number;
}

export class SchemaCache implements SchemaLookup {
  readonly #client: RegistryClient;
  readonly #options: Required<SchemaCacheOptions>;
  /** In the order of their last use. */
  readonly #kept = new Map<number, Kept>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(client: RegistryClient, options: SchemaCacheOptions) {
    this.#client = client;
    this.#options = { schemasMax: SCHEMAS_MAX, ...options };
  }

  prepare(id: number): Promise<void> | null {
    const kept = this.#kept.get(id);
    if (kept !== undefined && kept.until > this.#options.clock.now()) {
      this.#kept.delete(id);
      this.#kept.set(id, kept);
      return null;
    }
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      loading = this.#load(id).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return loading;
  }

  find(id: number): FoundSchema | undefined {
    return this.#kept.get(id)?.schema;
  }

  /** Ends what waits for the registry, and closes the client. Idempotent. */
  close(): Promise<void> {
    this.#closing.abort();
    return this.#client.close();
  }

  async #load(id: number): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#closing;
    for (let retryInMs = FIRST_RETRY_MS; !signal.aborted; retryInMs = Math.min(2 * retryInMs, RETRY_MAX_MS)) {
      try {
        this.#keep(id, await this.#ask(id));
        return;
      } catch (error) {
        if (signal.aborted) return;
        const text = 'records wait for their schema, which the registry does not give';
        logger.warn({ schema: id, retryInMs, error: describeError(error) }, text);
        await clock.sleep(retryInMs, signal);
      }
    }
  }

  async #ask(id: number): Promise<Kept> {
    const unusable = (reason: string): Kept => ({
      schema: { kind: 'unusable', reason },
      until: this.#options.clock.now() + MISSING_MS,
    });
    try {
      const found = await this.#client.schema(id);
      if (found === null) return unusable(`the registry has no schema ${id}`);
      return { schema: await this.#compile(id, found), until: Infinity };
    } catch (error) {
      // One that is too large to be taken holds nobody up.
      if (error instanceof RecordError) return unusable(error.message);
      throw error;
    }
  }

  async #compile(id: number, found: RegisteredSchema): Promise<FoundSchema> {
    const { schema, schemaType = 'AVRO' } = found;
    if (schemaType !== 'AVRO') return { kind: 'unusable', reason: `schema ${id} is ${schemaType}, not Avro` };
    const references = new Map<string, string>();
    await this.#addReferences(found, references);
    try {
      return { kind: 'usable', read: avroJsonReader(schema, [...references.values()]) };
    } catch (error) {
      return { kind: 'unusable', reason: `schema ${id} cannot be used: ${describeError(error)}` };
    }
  }

  /** Adds, by name, what the schema refers to, each after what it refers to itself. */
  async #addReferences({ references = [] }: RegisteredSchema, known: Map<string, string>, depth = 0): Promise<void> {
    for (const reference of references) {
      const name = `${reference.subject}/${reference.version}`;
      if (known.has(name) || depth + known.size >= REFERENCES_MAX) continue;
      const found = await this.#client.version(reference);
      if (found === null) continue;
      await this.#addReferences(found, known, depth + 1);
      known.set(name, found.schema);
    }
  }

  #keep(id: number, kept: Kept): void {
    this.#kept.set(id, kept);
    if (this.#kept.size <= this.#options.schemasMax) return;
    const [leastUsed] = this.#kept.keys();
    this.#kept.delete(leastUsed!);
  }
}
