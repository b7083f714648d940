// Provider tokens of APNs: one for all connections and threads of the process.
//
// Apple refuses tokens older than an hour, and whoever renews them more often than every 20 minutes.
//
// Invariants:
//   T1. A token is used for RENEW_MS, and none is made sooner than MIN_MS after the one before.
//   T2. Of all threads with the same key one makes the tokens: who has the lock of that key's name. The others ask it over a
//       channel, until it answers or the lock is theirs, its holder being gone.

import { hash, type KeyObject } from 'node:crypto';
import workerThreads, { BroadcastChannel } from 'node:worker_threads';
import type { Clock } from '../../../lib/clock.ts';

const RENEW_MS = 40 * 60_000;
const MIN_MS = 20 * 60_000;

export interface ApnsKey {
  readonly key: KeyObject;
  readonly keyId: string;
  readonly teamId: string;
}

interface Token {
  readonly text: string;
  /** Of its making, ms. */
  readonly at: number;
}

type Word = { readonly kind: 'ask' } | { readonly kind: 'token'; readonly token: Token };

export class ApnsToken {
  readonly #key: ApnsKey;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #channel: BroadcastChannel;
  readonly #closed = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  #token: Token | null = null;
  #isMaker = false;
  #pending: Promise<Token> | null = null;
  #heard = Promise.withResolvers<void>();

  constructor(key: ApnsKey, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
    const secret = key.key.export({ type: 'pkcs8', format: 'der' });
    this.#name = `tripline-apns-${hash('sha256', `${key.teamId}/${key.keyId}/${hash('sha256', secret)}`)}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.unref();
    this.#channel.onmessage = (event: unknown) => this.#hear((event as { readonly data: Word }).data);
    this.#runForMaker();
  }

  async get(): Promise<string> {
    if (this.#token === null || this.#isOlderThan(RENEW_MS)) await this.#renew();
    return this.#token!.text;
  }

  /** Apple took it for expired: a new one, unless it is too young for that (T1). */
  async renewed(): Promise<string> {
    if (this.#isOlderThan(MIN_MS)) await this.#renew();
    return this.get();
  }

  close(): void {
    this.#closing.abort();
    this.#closed.resolve();
    this.#heard.resolve();
    this.#channel.close();
  }

  #isOlderThan(ms: number): boolean {
    return this.#token === null || this.#clock.now() - this.#token.at >= ms;
  }

  async #renew(): Promise<void> {
    this.#pending ??= this.#made().finally(() => {
      this.#pending = null;
    });
    await this.#pending;
  }

  /** T2. Made here where this is the maker, else heard from it. */
  async #made(): Promise<Token> {
    const stale = this.#token?.at ?? -1;
    while (!this.#isMaker && !this.#closing.signal.aborted) {
      this.#heard = Promise.withResolvers();
      this.#channel.postMessage({ kind: 'ask' } satisfies Word);
      await this.#heard.promise;
      if (this.#token !== null && this.#token.at > stale) return this.#token;
    }
    // Another thread's question may have come before.
    if (this.#token !== null && this.#token.at > stale) return this.#token;
    return this.#make();
  }

  async #make(): Promise<Token> {
    const at = this.#clock.now();
    const { key, keyId, teamId } = this.#key;
    // Loaded for whoever sends, as no command does.
    const { SignJWT } = await import('jose');
    const text = await new SignJWT({ iss: teamId, iat: Math.floor(at / 1_000) })
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .sign(key);
    this.#token = { text, at };
    return this.#token;
  }

  #hear(word: Word): void {
    if (word.kind === 'ask') {
      if (this.#isMaker) void this.#answer();
    } else if (!this.#isMaker && (this.#token === null || word.token.at > this.#token.at)) {
      this.#token = word.token;
      this.#heard.resolve();
    }
  }

  async #answer(): Promise<void> {
    await this.get();
    if (!this.#closing.signal.aborted) this.#channel.postMessage({ kind: 'token', token: this.#token! } satisfies Word);
  }

  /** Becomes the maker once nobody else is, until it is closed. A Node without locks makes its own. */
  #runForMaker(): void {
    const { locks } = workerThreads as Partial<typeof workerThreads>;
    const won = (): Promise<void> => {
      this.#isMaker = true;
      this.#heard.resolve();
      return this.#closed.promise;
    };
    if (locks === undefined) void won();
    else void locks.request(this.#name, { signal: this.#closing.signal }, won).catch(() => {});
  }
}
