// Decisions, actions and flow records as lines that fit on a screen.
//
//   decision   `60 u1 cart fired m1`                 seconds from START, entity, rule, `fired` or outcome and reason, events
//   record     `60 cart/m1 waiting 2:later until=120`  seconds, flow, kind, step and its name, reason, variant, until, action
//   action     `60 cart/m1:0 email t=hello {"a":1}`  seconds, id, channel, fallback, template, variant, data if there is any

import { START } from '../notation.ts';
import type { FlowAction, FlowDecision, FlowRecord } from './story.ts';

export function seconds(at: number): number {
  return (at - START) / 1_000;
}

/** Versions are named where they are not the first, `v0`. */
function version(label: string): string[] {
  return label === 'v0' ? [] : [label];
}

export function decisionText({ at, entity, rule, ruleVersion, outcome, reason, events }: FlowDecision): string {
  const what = outcome === 'fired' ? 'fired' : outcome === 'suppressed' ? reason : outcome;
  return [seconds(at), entity, rule, ...version(ruleVersion), what, events.join(',')].join(' ');
}

export function recordText(record: FlowRecord): string {
  const { at, flow, ruleVersion, kind, step, name, reason, variant, until, action } = record;
  const where = step === null ? [] : [name === null ? `${step}` : `${step}:${name}`];
  return [
    ...[seconds(at), flow, ...version(ruleVersion), kind, ...where],
    ...(reason === null ? [] : [reason]),
    ...(variant === null ? [] : [`variant=${variant}`]),
    ...(until === null ? [] : [`until=${seconds(until)}`]),
    ...(action === null ? [] : [action]),
  ].join(' ');
}

export function actionText(action: FlowAction): string {
  const { at, id, ruleVersion, channel, fallback, template, variant, data } = action;
  const json = JSON.stringify(data);
  return [
    ...[seconds(at), id, ...version(ruleVersion), [channel, ...fallback].join('>')],
    ...(template === null ? [] : [`t=${template}`]),
    ...(variant === null ? [] : [`variant=${variant}`]),
    ...(json === '{}' ? [] : [json]),
  ].join(' ');
}
