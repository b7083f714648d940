// A TCP proxy before one broker, which makes the network between clients and the broker as bad as a test wants it.
//
// Owns: connections, delays, what is cut when. Knows of the protocol only the heads of messages (frames.ts).
//
// Invariants:
//   Y1. Bytes of one direction of a connection arrive in order and unchanged, or the connection ends.
//   Y2. What waits is bounded: a direction that is slowed down or held reads no further.

import { createServer, type Server, Socket } from 'node:net';
import { systemClock } from '../../lib/clock.ts';
import { FrameHeads } from './frames.ts';

export interface NetworkState {
  /** Added to each chunk in each direction, ms. */
  readonly delayMs: number;
  /** Of each direction of each connection; Infinity: unbounded. */
  readonly bytesPerSecond: number;
  /** Nothing passes, and nothing ends: to its ends a connection looks alive. New ones are taken and held as well. */
  readonly isBlackHole: boolean;
  /** New connections are ended at once. */
  readonly refuses: boolean;
}

/** Which half of an exchange is lost: the request (nothing was done) or its answer (it was done, and nobody is told). */
export type LostHalf = 'request' | 'answer';

export const FINE: NetworkState = { delayMs: 0, bytesPerSecond: Infinity, isBlackHole: false, refuses: false };

/** Requests by the protocol's numbers. */
export const API_KEYS = {
  produce: 0,
  joinGroup: 11,
  heartbeat: 12,
  syncGroup: 14,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const;

const HOST = '127.0.0.1';
/** Key, version and correlation id of a request. */
const REQUEST_HEAD_BYTES = 8;
/** The correlation id. */
const RESPONSE_HEAD_BYTES = 4;
/** How often a held direction looks whether it may go on. */
const HELD_STEP_MS = 20;
/** A slowed direction sends pieces of at most this, so that its rate is even. */
const PIECE_BYTES = 16 * 1024;

export class KafkaProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #links = new Set<Link>();
  #state: NetworkState = FINE;
  readonly #losses = new Map<number, { half: LostHalf; left: number }>();
  #lost = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Listens on `port` and forwards to `target`, both on 127.0.0.1. */
  static async open(port: number, target: number): Promise<KafkaProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, resolve);
    });
    return new KafkaProxy(server, target);
  }

  get state(): NetworkState {
    return this.#state;
  }

  /** Where it listens. */
  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Exchanges that loseNext has cut so far. */
  get lost(): number {
    return this.#lost;
  }

  /** From now on; what is left out is as it should be. */
  set(state: Partial<NetworkState>): void {
    this.#state = { ...FINE, ...state };
  }

  /** Ends every connection, with a reset. */
  cut(): void {
    for (const link of [...this.#links]) link.end();
  }

  /**
   * The next `count` requests of that kind end their connection: before they are forwarded, or once the broker has
   * answered and instead of the answer. Zero: no more of them.
   */
  loseNext(apiKey: number, half: LostHalf, count = 1): void {
    this.#losses.set(apiKey, { half, left: count });
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#state.refuses) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, this.#target, {
      state: () => this.#state,
      takeLoss: (apiKey) => this.#takeLoss(apiKey),
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    link.start();
  }

  #takeLoss(apiKey: number): LostHalf | null {
    const loss = this.#losses.get(apiKey);
    if (loss === undefined || loss.left === 0) return null;
    loss.left--;
    this.#lost++;
    return loss.half;
  }
}

interface LinkHooks {
  readonly state: () => NetworkState;
  readonly takeLoss: (apiKey: number) => LostHalf | null;
  readonly onEnd: () => void;
}

/** A connection of a client with its counterpart to the broker. */
class Link {
  readonly #client: Socket;
  readonly #broker = new Socket();
  readonly #target: number;
  readonly #hooks: LinkHooks;
  readonly #requests = new FrameHeads(REQUEST_HEAD_BYTES);
  readonly #responses = new FrameHeads(RESPONSE_HEAD_BYTES);
  /** Correlation ids whose answers are to be lost. */
  readonly #doomed = new Set<number>();
  #isEnded = false;

  constructor(client: Socket, target: number, hooks: LinkHooks) {
    this.#client = client;
    this.#target = target;
    this.#hooks = hooks;
  }

  start(): void {
    for (const socket of [this.#client, this.#broker]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end());
      socket.on('close', () => this.end());
    }
    this.#broker.connect(this.#target, HOST);
    void this.#pump(this.#client, this.#broker, (chunk) => this.#passRequests(chunk));
    void this.#pump(this.#broker, this.#client, (chunk) => this.#passResponses(chunk));
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const socket of [this.#client, this.#broker]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
    this.#hooks.onEnd();
  }

  /** Forwards what `passes`; the link ends with what does not. Never rejects. */
  async #pump(from: Socket, to: Socket, passes: (chunk: Buffer) => boolean): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        // The head of a request is looked at when it is due: what is held is not yet on its way.
        if (!(await this.#hold(chunk.length)) || !passes(chunk)) break;
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          const piece = chunk.subarray(at, at + PIECE_BYTES);
          if (at > 0) await this.#throttle(piece.length);
          await new Promise((resolve) => to.write(piece, resolve));
        }
      }
    } catch {
      // A connection that broke: its other half ends with it.
    }
    this.end();
  }

  /** Until the network lets the chunk through; false when the link has ended meanwhile. */
  async #hold(bytes: number): Promise<boolean> {
    const { delayMs } = this.#hooks.state();
    if (delayMs > 0) await systemClock.sleep(delayMs);
    await this.#throttle(Math.min(bytes, PIECE_BYTES));
    while (this.#hooks.state().isBlackHole && !this.#isEnded) await systemClock.sleep(HELD_STEP_MS);
    return !this.#isEnded;
  }

  async #throttle(bytes: number): Promise<void> {
    const { bytesPerSecond } = this.#hooks.state();
    if (bytesPerSecond !== Infinity) await systemClock.sleep((1_000 * bytes) / bytesPerSecond);
  }

  #passRequests(chunk: Buffer): boolean {
    for (const head of this.#requests.take(chunk)) {
      const lost = this.#hooks.takeLoss(head.readInt16BE(0));
      if (lost === 'request') return false;
      if (lost === 'answer') this.#doomed.add(head.readInt32BE(4));
    }
    return true;
  }

  #passResponses(chunk: Buffer): boolean {
    return !this.#responses.take(chunk).some((head) => this.#doomed.has(head.readInt32BE(0)));
  }
}
