// Requests to a schema registry that speaks Confluent's API (Confluent, Apicurio under /apis/ccompat/v7, Karapace).
//
// Owns: the requests, and what an answer means. Does not own: trying again (register.ts, schema-cache.ts). HTTP is
// @kafkajs/confluent-schema-registry's: its codec caches without bound and writes Protobuf that Java does not read, so of
// it only the requests are used.

import registryApi, { type SchemaRegistryAPIClient } from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import { FatalError, RetryableError } from '../../../lib/errors.ts';

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
/** Workers that start together change the same, and Apicurio answers 409 to whoever comes second: then it is there. */
const REFUSALS_MAX = 3;

/** The registry understood the request and will not do it; the message is its own. */
class Refusal extends Error {}

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
    const found = await this.#insist(this.#api.Subject.config, { subject });
    if (found instanceof Refusal) throw this.#refused(`the compatibility of ${subject}: ${found.message}`);
    return found === null ? null : (found as { compatibilityLevel: string }).compatibilityLevel.toUpperCase();
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    const found = await this.#insist(this.#api.Subject.updateConfig, { subject, body: { compatibility } });
    if (found instanceof Refusal) throw this.#refused(`${compatibility} for ${subject}: ${found.message}`);
    if (found === null) throw this.#refused(`it does not know the path /config/${subject}`);
  }

  /** The schema's id under the subject, which it gets if it has none. Throws FatalError TRG_SCHEMA_INCOMPATIBLE. */
  async register(subject: string, schema: string): Promise<number> {
    const found = await this.#insist(this.#api.Subject.register, { subject, body: { schema } });
    if (found instanceof Refusal) throw incompatible(subject, found.message);
    if (found === null) throw this.#refused(`it does not know the path /subjects/${subject}/versions`);
    return (found as { id: number }).id;
  }

  /** Null when there is none of this id, or none can be. */
  async schema(id: number): Promise<RegisteredSchema | null> {
    const found = await this.#insist(this.#api.Schema.find, { id });
    return found instanceof Refusal ? null : (found as RegisteredSchema | null);
  }

  async version({ subject, version }: SchemaReference): Promise<RegisteredSchema | null> {
    const found = await this.#insist(this.#api.Subject.version, { subject, version });
    return found instanceof Refusal ? null : (found as RegisteredSchema | null);
  }

  /** As #ask; a refusal that trying again does not settle is returned. */
  async #insist(call: Call, parameters: object): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ask(call, parameters);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (tries === REFUSALS_MAX) return error;
      }
    }
  }

  /** The answer's body; null when the registry says that there is no such thing. Throws Refusal as well. */
  async #ask(call: Call, parameters: object): Promise<unknown> {
    try {
      return (await call({ ...parameters, timeout: TIMEOUT_MS })).data() as unknown;
    } catch (error) {
      return this.#meaning(error as ResponseError);
    }
  }

  /** The library reports what did not come about as status 400, without the registry's own words. */
  #meaning(error: ResponseError): null {
    const { status } = error;
    const said = error.message.replace(/^tripline - /, '');
    const isOwnWords = !said.startsWith('Error, status ');
    if (status === 404 && isOwnWords) return null;
    if (status === 401 || status === 403) throw this.#refused(`${status}: check registry.auth and the user's rights`);
    if (status === 409 || status === 422 || (status === 400 && isOwnWords)) throw new Refusal(said);
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
