// The event of an action: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
//
// Owns: which field comes from where, and what is too long for one. Does not own: sending (sender.ts).
//
// Invariants:
//   E1. Two events of one key are one alert, so a repetition opens no second one. Without `data.dedupKey` the key is the decision:
//       its sends are one alert, those of another decision are another.
//   E2. An event fits: what is longer than PagerDuty takes is shortened in the same way each time, and says so.

import { hash } from 'node:crypto';
import { RecordError } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { actionData, originOf } from '../templates/action-data.ts';
import type { Templates } from '../templates/templates.ts';

const ACTIONS = ['trigger', 'acknowledge', 'resolve'] as const;
const SEVERITIES = ['critical', 'error', 'warning', 'info'] as const;

type EventAction = (typeof ACTIONS)[number];
type Severity = (typeof SEVERITIES)[number];

export interface PagerDutyEvent {
  readonly event_action: EventAction;
  readonly dedup_key: string;
  /** Of what is triggered alone. */
  readonly payload?: {
    readonly summary: string;
    readonly source: string;
    readonly severity: Severity;
    readonly timestamp: string;
    readonly custom_details: JsonObject;
  };
}

const SEVERITY_OF: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  operational: 'error',
  marketing: 'info',
};

/** PagerDuty's own limits. */
const SUMMARY_MAX = 1_024;
const KEY_MAX = 255;
/** Of an event PagerDuty takes 512 KB; the rest of it needs less than the difference. */
const DETAILS_BYTES_MAX = 500_000;

interface Around {
  readonly templates: Templates;
  readonly application: string;
  readonly ruleDescription: (rule: string) => string | null;
}

/** Throws RecordError TRG_TEMPLATE_FAILED. */
export function eventOf(action: Action, { templates, application, ruleDescription }: Around): PagerDutyEvent {
  const { action: what, dedupKey, summary, severity, ...details } = actionData(action, templates);
  const eventAction = oneOf(ACTIONS, 'action', what, action) ?? 'trigger';
  const given = textOf(dedupKey);
  if (given === '' && eventAction !== 'trigger') {
    throw failed(action, `an event that is to ${eventAction} needs data.dedupKey, that of the event which triggered`);
  }
  const dedup_key = shortened(given || action.decision);
  if (eventAction !== 'trigger') return { event_action: eventAction, dedup_key };
  return {
    event_action: eventAction,
    dedup_key,
    payload: {
      summary: cut(textOf(summary) || ruleDescription(action.rule) || action.rule),
      source: application,
      severity: oneOf(SEVERITIES, 'severity', severity, action) ?? SEVERITY_OF[action.urgency] ?? 'error',
      timestamp: new Date(action.at).toISOString(),
      custom_details: fitting(details, action),
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** Undefined: not said. */
function oneOf<Word extends string>(
  words: readonly Word[],
  name: string,
  value: unknown,
  action: Action,
): Word | undefined {
  if (value === undefined || value === null) return undefined;
  const found = words.find((word) => word === value);
  if (found === undefined) throw failed(action, `data.${name} must be one of ${words.join(', ')}`);
  return found;
}

function cut(summary: string): string {
  return summary.length <= SUMMARY_MAX
    ? summary
    : `${summary.slice(0, SUMMARY_MAX - 3).replace(/[\ud800-\udbff]$/, '')}...`;
}

/** The same short key for the same long one, so that resolving finds what was triggered. */
function shortened(key: string): string {
  return key.length <= KEY_MAX ? key : hash('sha256', key);
}

function fitting(details: JsonObject, action: Action): JsonObject {
  const tripline = originOf(action);
  const whole = { ...details, tripline };
  const bytes = Buffer.byteLength(JSON.stringify(whole));
  return bytes <= DETAILS_BYTES_MAX
    ? whole
    : { tripline, leftOut: `data of ${bytes} bytes, more than PagerDuty takes` };
}

function failed({ channel }: Action, what: string): RecordError {
  return new RecordError('TRG_TEMPLATE_FAILED', `${channel}: ${what}`);
}
