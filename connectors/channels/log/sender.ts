// Prints actions: one line each, below it what its template makes.
//
// Invariants:
//   P1. A line names the action's id, the same on every attempt.
//   P2. Whatever profile, event and template hold, nothing printed controls a terminal.
//   P3. A reader that does not take what is printed holds nobody up: printing ends within PRINT_MS_MAX.

import type { Clock } from '../../../lib/clock.ts';
import { TimeLimitError, withinTime } from '../../../lib/time-limit.ts';
import type { Action } from '../../../schemas/action.ts';
import type { ChannelDependencies } from '../channel.ts';
import type { ChannelSender, Outgoing, Rendering, SendResult } from '../delivery/sender.ts';
import type { Templates } from '../templates/templates.ts';

/** Resolves once the text is taken. */
export type Print = (text: string) => Promise<void>;

/** As long as an exchange of the other channels may take. */
const PRINT_MS_MAX = 15_000;
const INDENT = '         ';

/** What is printed. */
export interface Printed {
  readonly text: string;
}

export class LogSender implements ChannelSender<Printed> {
  readonly #print: Print;
  readonly #clock: Clock;
  readonly #templates: Templates;

  constructor(print: Print, { clock, templates }: ChannelDependencies) {
    this.#print = print;
    this.#clock = clock;
    this.#templates = templates;
  }

  render(action: Action): Rendering<Printed> {
    return { outcome: 'rendered', message: { address: null, content: { text: this.#textOf(action) } } };
  }

  async send({ message }: Outgoing<Printed>, signal: AbortSignal): Promise<SendResult> {
    try {
      await withinTime(this.#clock, PRINT_MS_MAX, signal, () => this.#print(message.content.text));
      return { outcome: 'delivered', providerId: null };
    } catch (error) {
      const { code, message: words } = error as { code?: string; message: string };
      const reason = error instanceof TimeLimitError ? words : `not printed: ${code ?? words}`;
      return { outcome: 'retry', reason };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #textOf(action: Action): string {
    const { id, at, channel, entity, rule, data, template } = action;
    const [day, time] = new Date(at).toISOString().split(/[T.]/);
    const head = `message  ${day} ${time}  ${channel} to ${entity.type}/${entity.id}  ${rule}  ${JSON.stringify(data)}  ${id}`;
    if (template === null) return `${harmless(head)}\n`;
    const { fields, body } = this.#templates.render(action);
    const named = Object.entries(fields).map(([name, text]) => `${name[0]!.toUpperCase()}${name.slice(1)}: ${text}`);
    const lines = [...named, ...body.trim().split('\n')];
    return `${[head, ...lines.map((line) => `${INDENT}${line}`)].map(harmless).join('\n')}\n`;
  }
}

/** P2. Bidirectional marks would show text in another order than it has. */
function harmless(line: string): string {
  return line.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, (character) => {
    return character === '\t' ? ' ' : `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
  });
}
