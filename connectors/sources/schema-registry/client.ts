// Requests to a schema registry that speaks Confluent's API (Confluent, Apicurio under /apis/ccompat/v7, Karapace).
//
// Owns: the requests, and what an answer means. Does not own: trying again (register.ts, schema-cache.ts), the exchange and its
// bounds (connectors/http).

import type { LookupFunction } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';
import { FatalError, RecordError, RetryableError } from '../../../lib/errors.ts';
import { type Json, type JsonObject, jsonObjectOf } from '../../../schemas/json.ts';
import { type HttpAnswer, HttpClient, type HttpMethod } from '../../http/http-client.ts';
import { PrivateAddressError } from '../../http/private-address.ts';

export interface RegistryOptions {
  /** Without the part that begins with /subjects. */
  readonly url: string;
  readonly auth: { readonly username: string; readonly password: string } | null;
  /** Whether it may be at an address that is not on the public internet. */
  readonly allowPrivate: boolean;
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

/** A registry that takes longer to answer is not answering. */
const TIMEOUT_MS = 10_000;
/** Schemas that people write have some 10 KB; those that a program makes, some hundred. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;
/** Workers that start together change the same, and Apicurio answers 409 to whoever comes second: then it is there. */
const REFUSALS_MAX = 3;
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
const NEVER_ABORTED = new AbortController().signal;

/** The registry understood the request and will not do it; the message is its own. */
class Refusal extends Error {}

interface Call {
  readonly method: HttpMethod;
  readonly path: string;
  readonly body?: JsonObject;
}

/**
 * Throws RetryableError TRG_REGISTRY_UNREACHABLE, and FatalError TRG_REGISTRY_REFUSED and TRG_CONFIG_INVALID (a private address)
 * from every request.
 */
export class RegistryClient {
  readonly url: string;
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  /** `lookup`: in place of the system's DNS. */
  constructor({ url, auth, allowPrivate }: RegistryOptions, clock: Clock, lookup?: LookupFunction) {
    this.url = url.replace(/\/+$/, '');
    const bounds = { timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX };
    this.#client = new HttpClient({ clock, allowPrivate, lookup, ...bounds });
    this.#headers = {
      accept: `${CONTENT_TYPE}, application/json`,
      'content-type': CONTENT_TYPE,
      ...(auth !== null && { authorization: `Basic ${btoaOf(`${auth.username}:${auth.password}`)}` }),
    };
  }

  /** The subject's own level, such as BACKWARD; null when it has none. */
  async compatibility(subject: string): Promise<string | null> {
    const found = await this.#insist({ method: 'GET', path: `/config/${encodeURIComponent(subject)}` });
    if (found instanceof Refusal) throw this.#refused(`the compatibility of ${subject}: ${found.message}`);
    return found === null ? null : String(found['compatibilityLevel']).toUpperCase();
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`;
    const found = await this.#insist({ method: 'PUT', path, body: { compatibility } });
    if (found instanceof Refusal) throw this.#refused(`${compatibility} for ${subject}: ${found.message}`);
    if (found === null) throw this.#refused(`it does not know the path /config/${subject}`);
  }

  /** The schema's id under the subject, which it gets if it has none. Throws FatalError TRG_SCHEMA_INCOMPATIBLE. */
  async register(subject: string, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const found = await this.#insist({ method: 'POST', path, body: { schema } });
    if (found instanceof Refusal) throw incompatible(subject, found.message);
    if (found === null) throw this.#refused(`it does not know the path /subjects/${subject}/versions`);
    return found['id'] as number;
  }

  /** Null when there is none of this id, or none can be. Throws RecordError TRG_RECORD_TOO_LARGE for one that is not taken. */
  schema(id: number): Promise<RegisteredSchema | null> {
    return this.#schemaAt(`/schemas/ids/${id}`, `schema ${id}`);
  }

  /** As schema(). */
  version({ subject, version }: SchemaReference): Promise<RegisteredSchema | null> {
    return this.#schemaAt(`/subjects/${encodeURIComponent(subject)}/versions/${version}`, `${subject}/${version}`);
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#client.close();
  }

  async #schemaAt(path: string, what: string): Promise<RegisteredSchema | null> {
    const found = await this.#insist({ method: 'GET', path });
    if (found instanceof TooLarge) throw tooLarge(what);
    return found instanceof Refusal ? null : (found as RegisteredSchema | null);
  }

  /** As #ask; a refusal that trying again does not settle is returned. */
  async #insist(call: Call): Promise<JsonObject | Refusal | null> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ask(call);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (tries === REFUSALS_MAX || error instanceof TooLarge) return error;
      }
    }
  }

  /** The answer's body; null when the registry says that there is no such thing. Throws Refusal as well. */
  async #ask({ method, path, body }: Call): Promise<JsonObject | null> {
    let answer: HttpAnswer;
    try {
      const message = { url: this.url + path, headers: this.#headers, body: body ? JSON.stringify(body) : null };
      answer = await this.#client.request(method, message, NEVER_ABORTED);
    } catch (error) {
      if (error instanceof PrivateAddressError) throw this.#isPrivate();
      const { code, message } = error as { code?: string; message: string };
      throw this.#silent(code ?? message);
    }
    return this.#meaning(answer);
  }

  #meaning({ status, text, isCut }: HttpAnswer): JsonObject | null {
    if (isCut) throw new TooLarge('its answer is too large');
    const body = jsonObjectOf(text);
    if (status === 200 && body !== null) return body;
    const said = wordsOf(body);
    if (status === 404 && said !== null) return null;
    if (status === 401 || status === 403) throw this.#refused(`${status}: check registry.auth and the user's rights`);
    if (said !== null && (status === 400 || status === 409 || status === 422)) throw new Refusal(said);
    if (status === 404) throw this.#refused('404: is this the address of a schema registry?');
    throw this.#silent(status === 200 ? 'its answer is no JSON object' : `HTTP ${status}`);
  }

  #silent(why: string): RetryableError {
    return new RetryableError('TRG_REGISTRY_UNREACHABLE', `the schema registry ${this.url} does not answer: ${why}`);
  }

  #refused(why: string): FatalError {
    return new FatalError('TRG_REGISTRY_REFUSED', `the schema registry ${this.url} refused a request: ${why}`);
  }

  #isPrivate(): FatalError {
    const message = `the schema registry ${this.url} is at a private address`;
    return new FatalError('TRG_CONFIG_INVALID', message, { hint: 'set `registry.allowPrivate: true` if it is yours' });
  }
}

/** A refusal that trying again does not settle. */
class TooLarge extends Refusal {}

function tooLarge(what: string): RecordError {
  const message = `${what} of the registry has more than ${ANSWER_BYTES_MAX} bytes`;
  return new RecordError('TRG_RECORD_TOO_LARGE', message);
}

/** The registry's own; null: it is no registry that speaks. */
function wordsOf(body: JsonObject | null): string | null {
  const message: Json | undefined = body?.['message'];
  return typeof message === 'string' ? message : null;
}

function btoaOf(text: string): string {
  return Buffer.from(text).toString('base64');
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
