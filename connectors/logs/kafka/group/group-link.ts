// How a member reaches its group's coordinator, wherever it has moved, and what the coordinator's errors mean for it.
//
// Invariants:
//   L1. What nothing came of is asked again for as long as the member goes on: an outage of any length is no error. Whether
//       the member outlived it is for the coordinator to say.

import type { API } from '@platformatic/kafka';
import { FatalError } from '../../../../lib/errors.ts';
import type { Channel, Cluster } from '../cluster.ts';
import { engineErrorOf, errorNames, isTransient } from '../kafka-errors.ts';

/** A coordinator that moves is found within some ten ms; from 200 on, asking costs nobody anything and loses little time. */
const BACKOFF_MIN_MS = 10;
const BACKOFF_MAX_MS = 200;
/** Leaving is a courtesy: the session's time-out does the same later. */
const LEAVE_PATIENCE_MS = 5_000;

export class GroupLink {
  readonly #cluster: Cluster;
  readonly group: string;

  constructor(cluster: Cluster, group: string) {
    this.#cluster = cluster;
    this.group = group;
  }

  /** Connections of one kind of request; see Cluster.openChannel. */
  openChannel(requestTimeoutMs: number): Channel {
    return this.#cluster.openChannel({ requestTimeoutMs });
  }

  /** Asks until there is an answer or `signal` aborts (L1). Throws the library's errors. */
  async ask<Arguments extends unknown[], Answer>(
    { channel, signal }: { channel: Channel; signal: AbortSignal },
    api: API<Arguments, Answer>,
    ...args: Arguments
  ): Promise<Answer> {
    for (let backoff = BACKOFF_MIN_MS; ; backoff = Math.min(2 * backoff, BACKOFF_MAX_MS)) {
      try {
        return await channel.ask(await this.#cluster.coordinator('group', this.group), api, ...args);
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#cluster.forgetCoordinator('group', this.group);
        await this.#cluster.options.clock.sleep(backoff, signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** For goodbyes: asks for a few seconds at most, and takes any answer. */
  async say<Arguments extends unknown[]>(
    channel: Channel,
    api: API<Arguments, unknown>,
    ...args: Arguments
  ): Promise<void> {
    const enough = new AbortController();
    const over = new AbortController();
    const asked = this.ask({ channel, signal: enough.signal }, api, ...args).catch(() => {});
    const waited = this.#cluster.options.clock.sleep(LEAVE_PATIENCE_MS, over.signal).then(() => enough.abort());
    await Promise.race([asked, waited]);
    over.abort();
  }
}

/** The error that ends a membership. */
export function membershipError(error: unknown, doing: string, instanceId: string | null): Error {
  if (errorNames(error).some((name) => name === 'FENCED_INSTANCE_ID' || name === 'UNRELEASED_INSTANCE_ID')) {
    const text = `another worker runs under the instance id ${instanceId}`;
    return new FatalError('TRG_INSTANCE_FENCED', text, { instanceId }, error);
  }
  return engineErrorOf(error, doing) as Error;
}
