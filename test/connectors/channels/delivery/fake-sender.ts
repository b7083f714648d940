// A channel whose answers the test gives: by a script, or one by one through `answer`.

import assert from 'node:assert/strict';
import type {
  ChannelSender,
  Outgoing,
  Rendering,
  SendResult,
} from '../../../../connectors/channels/delivery/sender.ts';
import type { Action } from '../../../../schemas/action.ts';

export const DELIVERED: SendResult = { outcome: 'delivered', providerId: 'p1' };

export interface Send {
  readonly action: Action;
  readonly attempt: number;
}

export class FakeSender implements ChannelSender {
  readonly sends: Send[] = [];
  readonly #script: ((send: Send) => SendResult) | null;
  readonly #open = new Map<string, (result: SendResult) => void>();

  /** Without a script, sends stay open until answered. */
  constructor(script: ((send: Send) => SendResult) | null = () => DELIVERED) {
    this.#script = script;
  }

  render(): Rendering {
    return { outcome: 'rendered', message: { address: null, content: {} } };
  }

  send({ action, attempt }: Outgoing): Promise<SendResult> {
    const send = { action, attempt };
    this.sends.push(send);
    if (this.#script !== null) return Promise.resolve(this.#script(send));
    return new Promise((resolve) => this.#open.set(action.id, resolve));
  }

  /** Ids of the actions being sent. */
  get open(): string[] {
    return [...this.#open.keys()];
  }

  /** Ends the open send of that action, and lets the task take notice. */
  async answer(id: string, result: SendResult = DELIVERED): Promise<void> {
    // An attempt asks first whether it may be made.
    for (let turn = 0; turn < 10 && !this.#open.has(id); turn++) await new Promise(setImmediate);
    const resolve = this.#open.get(id);
    assert.ok(resolve, `${id} is being sent`);
    this.#open.delete(id);
    resolve(result);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }

  /** Forgets the open sends, as the death of the process does. */
  drop(): void {
    this.#open.clear();
  }

  async close(): Promise<void> {}
}
