// PagerDuty's Events API v2 on this machine, for trying rules that alert: channels.pagerduty.url is its address.
//
// Owns: what PagerDuty documents of events: their form, limits, and that events of one key are one alert. Does not own: calling
// anybody.

import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface Alert {
  readonly dedupKey: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  summary: string;
  severity: string;
  source: string;
  details: Readonly<Record<string, unknown>>;
  /** Events of its key. */
  events: number;
}

export interface PagerDuty extends HttpProvider {
  /** By key, newest last; resolving ends one, and the next event of its key begins another. */
  readonly alerts: readonly Alert[];
}

export interface PagerDutyOptions {
  readonly routingKey?: string;
  readonly port?: number;
}

const EVENT_BYTES_MAX = 512 * 1024;
const SEVERITIES = ['critical', 'error', 'warning', 'info'];

interface Event {
  readonly routing_key?: string;
  readonly event_action?: string;
  readonly dedup_key?: string;
  readonly payload?: { summary?: string; severity?: string; source?: string; custom_details?: Alert['details'] };
}

export async function startPagerDuty(options: PagerDutyOptions = {}): Promise<PagerDuty> {
  const { routingKey = 'e93facc04764012d7bfb002500d5d1a6', port = 0 } = options;
  const alerts: Alert[] = [];

  const handle = ({ method, path, body }: ProviderRequest): ProviderAnswer => {
    if (method !== 'POST' || path !== '/v2/enqueue') return { status: 404 };
    if (Buffer.byteLength(body) > EVENT_BYTES_MAX) return { status: 413 };
    let event: Event;
    try {
      event = JSON.parse(body) as Event;
    } catch {
      return invalid('JSON parse error');
    }
    const error = faultOf(event, routingKey);
    if (error !== null) return invalid(error);
    const dedupKey = event.dedup_key ?? `key-${alerts.length + 1}`;
    take(alerts, dedupKey, event);
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: dedupKey } };
  };
  return { ...(await startHttpProvider(handle, port)), alerts };
}

function faultOf({ routing_key, event_action, dedup_key, payload }: Event, routingKey: string): string | null {
  if (routing_key?.length !== routingKey.length) {
    return `Length of 'routing_key' is incorrect (should be ${routingKey.length} characters)`;
  }
  if (routing_key !== routingKey) return "Invalid 'routing_key'";
  if ((dedup_key?.length ?? 0) > 255) return "'dedup_key' is too long";
  if (event_action === 'acknowledge' || event_action === 'resolve') {
    return dedup_key === undefined ? "'dedup_key' is missing or blank" : null;
  }
  if (event_action !== 'trigger') return "'event_action' is invalid";
  if (!payload?.summary) return "'payload.summary' is missing or blank";
  if (payload.summary.length > 1_024) return "'payload.summary' is too long";
  if (!payload.source) return "'payload.source' is missing or blank";
  return SEVERITIES.includes(payload.severity ?? '') ? null : "'payload.severity' is invalid";
}

function take(alerts: Alert[], dedupKey: string, { event_action, payload }: Event): void {
  const open = alerts.find((alert) => alert.dedupKey === dedupKey && alert.status !== 'resolved');
  if (event_action !== 'trigger') {
    // Of what is not open nothing is resolved, which is no error.
    if (open === undefined) return;
    open.status = event_action === 'resolve' ? 'resolved' : 'acknowledged';
    open.events++;
    return;
  }
  const { summary = '', severity = '', source = '', custom_details: details = {} } = payload ?? {};
  if (open === undefined) alerts.push({ dedupKey, status: 'triggered', summary, severity, source, details, events: 1 });
  else Object.assign(open, { summary, severity, source, details, events: open.events + 1 });
}

function invalid(error: string): ProviderAnswer {
  return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors: [error] } };
}
