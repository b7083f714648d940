// Requests to a schema registry that speaks Confluent's API (Confluent, Apicurio under /apis/ccompat/v7, Karapace).
//
// Owns: the requests, and what an answer means. Does not own: trying again (register.ts, schema-cache.ts). HTTP is
// @kafkajs/confluent-schema-registry's: its codec caches without bound and writes Protobuf that Java does not read, so of
// it only the requests are used.

import registryApi, { type SchemaRegistryAPIClient } from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import { type EngineError, FatalError, RetryableError } from '../../lib/errors.ts';

export interface RegistryOptions {
  /** Without the part that begins with /subjects. */
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: string } | null;
}

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface RegisteredSchema {
  /** JSON text, for Avro. */
  readonly schema: string;
  /** Left out by registries for Avro. */
  readonly schemaType?: string;
  readonly references?: readonly SchemaReference[];
}

/** What the library's errors carry. */
interface ResponseError extends Error {
  readonly status?: number;
}

/** A registry that takes longer to answer is not answering. */
const TIMEOUT_MS = 10_000;
/** Workers that start together register together, and Apicurio answers 409 to whoever comes second: then it is there. */
const REGISTER_TRIES = 3;

type Call = SchemaRegistryAPIClient['Schema']['find'];

/** Throws RetryableError TRG_REGISTRY_UNREACHABLE and FatalError TRG_REGISTRY_REFUSED from every request. */
export class RegistryClient {
  readonly url: string;
  readonly #api: SchemaRegistryAPIClient;

  constructor({ url, auth }: RegistryOptions) {
    this.url = url.replace(/\/+$/, '');
    // Who asks tries again, with a word to the operator in between: the library would, in silence.
    const retry = { retries: 0 };
    this.#api = registryApi.default({
      clientId: 'tripline',
      host: this.url,
      retry,
      ...(auth !== null && { auth: { ...auth } }),
    });
  }

  /** The subject's own level, such as BACKWARD; null when it has none. */
  async compatibility(subject: string): Promise<string | null> {
    const found = await this.#ask(this.#api.Subject.config, { subject });
    return found === null ? null : (found as { compatibilityLevel: string }).compatibilityLevel.toUpperCase();
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    const found = await this.#ask(this.#api.Subject.updateConfig, { subject, body: { compatibility } });
    if (found === null) throw this.#refused(`it does not know the path /config/${subject}`);
  }

  /** The schema's id under the subject, which it gets if it has none. Throws FatalError TRG_SCHEMA_INCOMPATIBLE. */
  async register(subject: string, schema: string): Promise<number> {
    let found: unknown;
    for (let tries = 1; ; tries++) {
      try {
        found = await this.#ask(this.#api.Subject.register, { subject, body: { schema } });
        break;
      } catch (error) {
        if ((error as EngineError).code !== 'TRG_SCHEMA_INCOMPATIBLE' || tries >= REGISTER_TRIES) throw error;
      }
    }
    if (found === null) throw this.#refused(`it does not know the path /subjects/${subject}/versions`);
    return (found as { id: number }).id;
  }

  /** Null when there is none of this id. */
  async schema(id: number): Promise<RegisteredSchema | null> {
    return (await this.#ask(this.#api.Schema.find, { id })) as RegisteredSchema | null;
  }

  async version({ subject, version }: SchemaReference): Promise<RegisteredSchema | null> {
    return (await this.#ask(this.#api.Subject.version, { subject, version })) as RegisteredSchema | null;
  }

  /** The answer's body; null when the registry says that there is no such thing. */
  async #ask(
    call: Call,
    parameters: { readonly subject?: string; readonly [name: string]: unknown },
  ): Promise<unknown> {
    try {
      return (await call({ ...parameters, timeout: TIMEOUT_MS })).data() as unknown;
    } catch (error) {
      return this.#meaning(error as ResponseError, parameters.subject);
    }
  }

  /** The library reports what did not come about as status 400, without the registry's own words. */
  #meaning(error: ResponseError, subject: string | undefined): null {
    const { status } = error;
    const said = error.message.replace(/^tripline - /, '');
    const isOwnWords = !said.startsWith('Error, status ');
    if (status === 404 && isOwnWords) return null;
    if (status === 401 || status === 403) throw this.#refused(`${status}: check registry.auth and the user's rights`);
    if ((status === 409 || status === 422) && subject !== undefined) throw incompatible(subject, said);
    if (status === 404) throw this.#refused('404: is this the address of a schema registry?');
    const words = said.replace(/^Error, status 400: /, '');
    throw new RetryableError('TRG_REGISTRY_UNREACHABLE', `the schema registry ${this.url} does not answer: ${words}`);
  }

  #refused(why: string): FatalError {
    return new FatalError('TRG_REGISTRY_REFUSED', `the schema registry ${this.url} refused a request: ${why}`);
  }
}

function incompatible(subject: string, said: string): FatalError {
  return new FatalError(
    'TRG_SCHEMA_INCOMPATIBLE',
    `the registry has a schema under ${subject} that this version's is not compatible with: ${said}`,
    {
      subject,
      hint: 'run the version that wrote it, or let nobody read the topic any more and delete the subject in the registry',
    },
  );
}
