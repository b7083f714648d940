// Asks the other workers of an application: the one that has an entity's task, as the group's metadata says, else all of them.
//
// Owns: whom to ask, how often, and what it means that one cannot be asked. Does not own: what is asked (services/state/entity.ts),
// the other side (apps/http/internal-routes.ts).
//
// Invariants:
//   P1. A question is handed on once: whoever gets one from another worker answers from what it has.
//   P2. A description of the group is as of now, or it is none: nothing is kept of it, so nothing gets old.
//   P3. What moves meanwhile is asked for again, for SETTLE_MS, and then it is said.

import { Agent, request } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { describeError, RetryableError } from '../../lib/errors.ts';
import { decodeError } from '../../lib/wire-error.ts';
import { decodeMemberNote, type MemberNote } from '../../topology/engine/group/notes.ts';
import { type DescribedMember, type LogAdmin, partitionKey } from '../../topology/engine/ports.ts';
import type { PeerQuestion, Peers } from '../service-context.ts';
import { type AnswerLine, type Greeting, INTERNAL_ASK_PATH, PROTOCOL, type Question } from './protocol.ts';

export interface GroupPeersOptions {
  readonly admin: Pick<LogAdmin, 'members'>;
  /** Which is also the name of the group. */
  readonly application: string;
  readonly protocol: 'classic' | 'consumer';
  /** This process, as it names itself in the group. */
  readonly process: string;
  readonly clock: Clock;
}

/** A process that is in the group, with the inputs of all its threads' tasks. */
interface Peer {
  readonly note: MemberNote;
  readonly inputs: ReadonlySet<string>;
}

/** A rebalance without state to restore is over in that time. */
const SETTLE_MS = 5_000;
const AGAIN_MS = 200;
const CONNECT_MS = 2_000;
/** The other side may have to start the thread that answers. */
const ANSWER_MS = 10_000;
/** Some of the largest documents that fit a changelog's record. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export class GroupPeers implements Peers {
  readonly #options: GroupPeersOptions;
  readonly #agent = new Agent({ connect: { timeout: CONNECT_MS } });

  constructor(options: GroupPeersOptions) {
    this.#options = options;
  }

  async ask<Result>(question: PeerQuestion<Result>, signal: AbortSignal): Promise<Result | null> {
    const { clock, protocol } = this.#options;
    if (protocol === 'consumer') {
      throw unreachable('by `group.protocol: consumer` workers know nothing of each other; use `classic`');
    }
    const until = clock.now() + SETTLE_MS;
    for (;;) {
      try {
        return await this.#try(question, signal);
      } catch (error) {
        if (!mayMend(error) || clock.now() >= until) throw error;
      }
      await clock.sleep(AGAIN_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Frees connections. */
  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #try<Result>(question: PeerQuestion<Result>, signal: AbortSignal): Promise<Result | null> {
    const { place, judge } = question;
    const peers = await this.#peers();
    const owner = place === null ? null : (peers.find(({ inputs }) => inputs.has(partitionKey(place))) ?? null);
    if (place !== null && (owner === null || owner.note.process === this.#options.process)) {
      throw moving('the task that has this entity is on its way to a worker');
    }
    if (owner !== null) {
      const result = await this.#askPeer<Result>(owner, question, signal);
      const verdict = judge(result);
      if (verdict === 'found') return result;
      if (verdict === 'elsewhere') throw moving('the task that has this entity has just moved');
    }
    const others = peers.filter((peer) => peer !== owner && peer.note.process !== this.#options.process);
    const results = await Promise.all(others.map((peer) => this.#askPeer<Result>(peer, question, signal)));
    return results.find((result) => judge(result) === 'found') ?? null;
  }

  /** By process. Throws RetryableError TRG_TASK_MOVING while the group deals out. */
  async #peers(): Promise<readonly Peer[]> {
    const { admin, application } = this.#options;
    const members = await admin.members!(application);
    if (members === null) throw moving('the group is dealing out its tasks anew');
    const named = members.map((member) => ({ member, note: decodeMemberNote(member.note) }));
    return [...Map.groupBy(named, ({ member, note }) => processOf(member, note)).values()].map((threads) => ({
      note: threads[0]!.note,
      inputs: new Set(threads.flatMap(({ member }) => member.partitions.map(partitionKey))),
    }));
  }

  async #askPeer<Result>(
    { note: { process, ask } }: Peer,
    { operation, input }: PeerQuestion<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    if (ask === undefined) {
      throw unreachable(`the worker ${process} is of an older version, which no worker can ask`);
    }
    if (ask === null) {
      throw unreachable(`the worker ${process} cannot be asked by others: set \`http\`, and \`http.advertise\`, there`);
    }
    const question: Question = { protocol: PROTOCOL, application: this.#options.application, operation, input };
    const { status, text } = await this.#post(`${ask.url}${INTERNAL_ASK_PATH}`, ask.token, question, process, signal);
    if (status === 401) {
      throw unreachable(`another process than the worker ${process} answers at ${ask.url}: look at its http.advertise`);
    }
    const answer = status === 200 ? parsed(text) : null;
    if (answer === null) {
      const message = `the worker ${process} at ${ask.url} answered with ${status}`;
      // It is stopping: its tasks will be somebody else's in a moment.
      throw status === 503
        ? new RetryableError('TRG_PEER_UNREACHABLE', message, {}, undefined, AGAIN_MS)
        : unreachable(message);
    }
    if (answer.protocol !== PROTOCOL) throw unreachable(`the worker ${process} is of another version of Tripline`);
    if ('error' in answer) throw decodeError(answer.error);
    return (answer as { result: Result }).result;
  }

  async #post(url: string, token: string, question: Question, process: string, signal: AbortSignal) {
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(question),
        dispatcher: this.#agent,
        headersTimeout: ANSWER_MS,
        bodyTimeout: ANSWER_MS,
        signal,
      });
      let text = '';
      body.setEncoding('utf8');
      for await (const chunk of body) {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) throw new Error(`its answer is larger than ${ANSWER_BYTES_MAX} bytes`);
      }
      return { status: statusCode, text };
    } catch (error) {
      signal.throwIfAborted();
      const text = `the worker ${process} at ${url} did not answer: ${describeError(error)}`;
      throw new RetryableError('TRG_PEER_UNREACHABLE', text, {}, error, AGAIN_MS);
    }
  }
}

/** Members of older versions may name none: each is then one of its own. */
function processOf({ memberId }: DescribedMember, { process }: MemberNote): string {
  return process === '' ? memberId : process;
}

/** What another look at the group may mend: it moves, or its old owner is just gone. */
function mayMend(error: unknown): boolean {
  return error instanceof RetryableError && (error.code === 'TRG_TASK_MOVING' || error.retryAfterMs !== null);
}

function parsed(text: string): (AnswerLine & Greeting) | null {
  try {
    return JSON.parse(text) as AnswerLine & Greeting;
  } catch {
    return null;
  }
}

function moving(message: string): RetryableError {
  return new RetryableError('TRG_TASK_MOVING', message);
}

function unreachable(message: string): RetryableError {
  return new RetryableError('TRG_PEER_UNREACHABLE', message);
}
