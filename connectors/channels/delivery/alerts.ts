// What somebody should look at, as an action of the channel that alerts go to.
//
// Invariants:
//   L1. Never about itself: what fails on the channel of the alerts, or is an alert, makes none.
//   L2. Bounded: one a minute for each channel and kind, and engine thread; the next one says how many there were.

import { hash } from 'node:crypto';
import type { Action } from '../../../schemas/action.ts';
import { noticeAction } from '../templates/built-in.ts';

export type AlertKind = 'delivery_failed' | 'channel_disabled';

export interface AlertsOptions {
  /** Its name. */
  readonly channel: string;
  /** Whether what it sends is rendered by a template. */
  readonly isTemplated: boolean;
  readonly application: string;
}

/** What an alert is about. */
export interface Incident {
  readonly kind: AlertKind;
  readonly channel: string;
  readonly reason: string;
  /** The action that met it. */
  readonly action: Action;
  /** Wall time, ms. */
  readonly at: number;
}

const INTERVAL_MS = 60_000;
/** The entity that alerts are about: this installation. */
const ENTITY_TYPE = 'tripline';

export class Alerts {
  readonly #options: AlertsOptions;
  /** By channel and kind: when the last one went, and how many were passed over since. */
  readonly #last = new Map<string, { at: number; passedOver: number }>();

  constructor(options: AlertsOptions) {
    this.#options = options;
  }

  /** Null: none is due. */
  about(incident: Incident): Action | null {
    const { kind, channel, action, at } = incident;
    if (channel === this.#options.channel || action.entity.type === ENTITY_TYPE) return null;
    const name = `${kind}/${channel}`;
    const last = this.#last.get(name);
    if (last !== undefined && at - last.at < INTERVAL_MS) {
      last.passedOver++;
      return null;
    }
    this.#last.set(name, { at, passedOver: 0 });
    return this.#alert(incident, last?.passedOver ?? 0);
  }

  #alert({ kind, channel, reason, action, at }: Incident, passedOver: number): Action {
    const { application, isTemplated } = this.#options;
    const what = kind === 'channel_disabled' ? `${channel} is disabled` : `${channel} could not deliver a message`;
    const more = passedOver === 0 ? '' : ` (and ${passedOver} more since the last alert)`;
    const about = kind === 'channel_disabled' ? '' : `, rule ${action.rule}`;
    const title = `${application}: ${what}`;
    const text = `${title}${about}: ${reason}${more}`;
    const fields = {
      id: hash('sha256', `${action.id}\0${kind}`).slice(0, 32),
      decision: action.decision,
      rule: action.rule,
      ruleVersion: action.ruleVersion,
      entity: { type: ENTITY_TYPE, id: application },
      at,
      channel: this.#options.channel,
      data: { event: kind, title, summary: text, channel, reason, rule: action.rule, action: action.id, passedOver },
      context: {},
    };
    return noticeAction(fields, isTemplated);
  }
}
