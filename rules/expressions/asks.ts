// What the calls of our functions ask to be remembered of an entity, and whether what they name is there.
//
// Owns: the functions over behaviour, segments and models. Does not own: their types (functions.ts).
//
// Invariants:
//   A1. Names and windows are written out, so that what must be kept is known before anything runs.

import { parseDuration } from '../../lib/duration.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { FUNCTIONS } from './names.ts';
import type { NeedsCollector } from './needs.ts';
import { type AstNode, literalText } from './tree.ts';

export interface AskOptions {
  readonly channels: readonly string[];
  /** Ids of segments, of models, and of those models that are asked beside the task. */
  readonly segments: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  readonly remoteModels: ReadonlySet<string>;
  /** Whether a model may be asked that answers later: of a candidate, which can wait, but not of each event. */
  readonly remoteScores: boolean;
  /** Whether flows may be asked for: of a candidate, which can wait until it is known. */
  readonly flows: boolean;
}

export class ExpressionAsks {
  readonly #options: AskOptions;
  readonly #needs: NeedsCollector;
  readonly #report: (offset: number, message: string, hint: string | null) => void;

  constructor(
    options: AskOptions,
    needs: NeedsCollector,
    report: (offset: number, message: string, hint: string | null) => void,
  ) {
    this.#options = options;
    this.#needs = needs;
    this.#report = report;
  }

  /** What one of our functions asks to be remembered; how much of it must be known beforehand, so it is written out. */
  take(node: AstNode, name: string, values: AstNode[]): void {
    switch (name) {
      case 'sent': {
        const ms = this.#window(node, name, values[1]);
        this.#needs.sentMs = Math.max(this.#needs.sentMs, ms);
        const known = ['any', ...this.#channels];
        this.#known(values[0], 'channel', known);
        break;
      }
      case 'count': {
        const event = this.#writtenOut(node, name, values[0]);
        const ms = this.#window(node, name, values[1]);
        if (event !== null) this.#needs.remember(event, ms);
        break;
      }
      case 'last': {
        const event = this.#writtenOut(node, name, values[0]);
        if (event !== null) this.#needs.remember(event, 0);
        break;
      }
      case 'opened':
      case 'clicked': {
        const ms = this.#window(node, name, values[0]);
        for (const channel of this.#channels) this.#needs.remember(`${channel}_${name}`, ms);
        break;
      }
      case 'inSegment': {
        const id = this.#writtenOut(node, name, values[0]);
        this.#known(values[0], 'segment', [...this.#options.segments]);
        if (id !== null) this.#needs.segments.add(id);
        break;
      }
      case 'inFlow': {
        const rule = this.#writtenOut(node, name, values[0]);
        if (rule !== null) this.#needs.flows.add(rule);
        if (!this.#options.flows) {
          const hint = 'ask it in if, audience, or then, which wait until it is known';
          this.#report(node.start, 'inFlow() cannot be asked of each event', hint);
        }
        break;
      }
      case 'score':
        this.#score(node, values[0]);
        break;
    }
  }

  #score(node: AstNode, value: AstNode | undefined): void {
    const id = this.#writtenOut(node, 'score', value);
    this.#known(value, 'model', [...this.#options.models]);
    if (id === null) return;
    this.#needs.models.add(id);
    if (!this.#options.remoteScores && this.#options.remoteModels.has(id)) {
      const hint = 'ask for it in if, audience, review or then, which can wait for the answer';
      this.#report(node.start, `the model "${id}" answers later and cannot be asked here`, hint);
    }
  }

  get #channels(): readonly string[] {
    return this.#options.channels;
  }

  /** The duration of a window, ms; 0 when it cannot be used, which is reported. */
  #window(node: AstNode, name: string, value: AstNode | undefined): number {
    // Too few arguments are the library's to report.
    if (value === undefined) return 0;
    const text = literalText(value);
    if (text === null) {
      const hint = `how far back is kept must be known beforehand: ${FUNCTIONS[name]!.replace(/^.* such as /, '')}`;
      this.#report(node.start, `the duration of ${name}() must be written out as text`, hint);
      return 0;
    }
    const ms = parseDuration(text);
    if (ms !== null && ms > 0) return ms;
    this.#report(value.start, `"${text}" is not a duration`, 'such as 90s, 5m, 24h, 7d or 2w');
    return 0;
  }

  /** The text of a first argument that must be written out; null when it is not, which is reported. */
  #writtenOut(node: AstNode, name: string, value: AstNode | undefined): string | null {
    if (value === undefined) return null;
    const text = literalText(value);
    if (text === null) {
      this.#report(node.start, `the name in ${name}() must be written out as text`, `it takes ${FUNCTIONS[name]}`);
    }
    return text;
  }

  #known(value: AstNode | undefined, what: string, known: readonly string[]): void {
    const text = literalText(value);
    if (text === null || known.includes(text)) return;
    const all = known.length === 0 ? `there are no ${what}s` : `known: ${known.join(', ')}`;
    this.#report(value!.start, `unknown ${what} "${text}"`, didYouMean(text, known, all));
  }
}
