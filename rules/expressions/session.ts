// What `session` is in expressions: `session.duration`, `.events`, `.count(name)`, `.distinct(expression)`,
// `.max(expression)`.
//
// Owns: its CEL type. Does not own: which figures are kept (session-measures.ts), keeping them (patterns/session/).
//
// Invariants:
//   S1. `distinct` and `max` take an expression over `event`, asked of each event of the session; in the tree their
//       argument is put in the place of its text, by which the figure is found (compiler.ts).

import type { Environment } from '@marcbachmann/cel-js';
import { type CelDuration, celDuration } from './functions.ts';
import type { SessionFigures } from './scope.ts';

export const SESSION_FIELDS: readonly string[] = ['duration', 'events'];
/** Methods with what they take, for messages. */
export const SESSION_METHODS: Readonly<Record<string, string>> = {
  count: 'session.count(name), such as session.count("click")',
  distinct: 'session.distinct(expression), such as session.distinct(event.properties.page)',
  max: 'session.max(expression), such as session.max(event.properties.scrolled)',
};

class SessionView {
  readonly #figures: SessionFigures;

  constructor(figures: SessionFigures) {
    this.#figures = figures;
  }

  get duration(): CelDuration {
    return celDuration(this.#figures.durationMs);
  }

  get events(): bigint {
    return BigInt(this.#figures.events);
  }

  /** Throws when there is none: a session without such values has no greatest. */
  figure(text: string): number {
    const figure = this.#figures.figure(text);
    if (figure === undefined) throw new Error(`${text} has no value`);
    return figure;
  }
}

/** The session as expressions read it. Throws when there is none. */
export function sessionView(figures: SessionFigures | null): object {
  if (figures === null) throw new Error('there is no session here');
  return new SessionView(figures);
}

export function registerSession(environment: Environment): void {
  const fields = { duration: 'google.protobuf.Duration', events: 'int' };
  environment.registerType('Session', { ctor: SessionView, fields });
  const define = (signature: string, handler: (session: SessionView, text: string) => unknown): void => {
    environment.registerFunction(signature, handler as (...values: never[]) => unknown, { async: false });
  };
  define('Session.count(string): int', (session, name) => BigInt(session.figure(countText(name))));
  define('Session.distinct_(string): int', (session, text) => BigInt(session.figure(text)));
  define('Session.max_(string): double', (session, text) => session.figure(text));
}

/** The text by which the number of events of this name is kept. */
export function countText(name: string): string {
  return `session.count(${JSON.stringify(name)})`;
}
