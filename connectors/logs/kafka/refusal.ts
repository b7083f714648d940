// What the user of a cluster lacks, in words that its administrator can act on: which right on which topic, group or id.
//
// Owns: the right that each request needs (docs/security.md has the same as a list). Does not own: other errors.

import type { ErrorFields } from '../../../lib/errors.ts';

type Resource = 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID' | 'CLUSTER';

/** By the number of the request, the right that is needed when this kind of resource is refused. */
const RIGHTS: Readonly<Record<number, Partial<Record<Resource, string>>>> = {
  0: { TOPIC: 'Write', TRANSACTIONAL_ID: 'Write' },
  1: { TOPIC: 'Read' },
  2: { TOPIC: 'Describe' },
  3: { TOPIC: 'Describe' },
  8: { TOPIC: 'Read', GROUP: 'Read' },
  9: { TOPIC: 'Describe', GROUP: 'Describe' },
  10: { GROUP: 'Describe', TRANSACTIONAL_ID: 'Describe' },
  11: { GROUP: 'Read' },
  12: { GROUP: 'Read' },
  13: { GROUP: 'Read' },
  14: { GROUP: 'Read' },
  19: { TOPIC: 'Create', CLUSTER: 'Create' },
  21: { TOPIC: 'Delete' },
  22: { TRANSACTIONAL_ID: 'Write', CLUSTER: 'IdempotentWrite' },
  24: { TOPIC: 'Write', TRANSACTIONAL_ID: 'Write' },
  25: { GROUP: 'Read', TRANSACTIONAL_ID: 'Write' },
  26: { TRANSACTIONAL_ID: 'Write' },
  28: { TOPIC: 'Read', GROUP: 'Read', TRANSACTIONAL_ID: 'Write' },
  32: { TOPIC: 'DescribeConfigs' },
  44: { TOPIC: 'AlterConfigs' },
};

/** Kept beside the errors, which are the library's. */
const requests = new WeakMap<object, { readonly api: number; readonly fields: ErrorFields }>();

/** Notes with which request an error came back, and what it was about where its answer does not say; returns the error. */
export function noteRequest(error: unknown, api: number, fields: ErrorFields = {}): unknown {
  if (typeof error === 'object' && error !== null) requests.set(error, { api, fields });
  return error;
}

/** For an error `…_AUTHORIZATION_FAILED`; `fields` may have `topic`, `group` and `transactionalId`. */
export function refusalText(error: unknown, fields: ErrorFields): string {
  const parts = partsOf(error).filter(({ apiId }) => apiId.endsWith('_AUTHORIZATION_FAILED'));
  const noted = requests.get(error as object);
  const lacks = new Set<string>();
  for (const { apiId, path } of parts) {
    const resource = apiId.replace('_AUTHORIZATION_FAILED', '') as Resource;
    const right = RIGHTS[noted?.api ?? -1]?.[resource] ?? 'a right';
    lacks.add(`${right} on ${nameOf(resource, path, error, { ...fields, ...noted?.fields })}`);
  }
  return `the user lacks ${[...lacks].join(', ')}`;
}

function nameOf(resource: Resource, path: string, error: unknown, fields: ErrorFields): string {
  if (resource === 'CLUSTER') return 'the cluster';
  if (resource === 'GROUP') return `group ${fields['group'] ?? '?'}`;
  if (resource === 'TRANSACTIONAL_ID') return `transactional id ${fields['transactionalId'] ?? '?'}`;
  return `topic ${topicAt(path, error) ?? fields['topic'] ?? '?'}`;
}

interface Part {
  readonly apiId: string;
  readonly path: string;
}

function partsOf(error: unknown): Part[] {
  const { apiId, path, errors } = error as { apiId?: unknown; path?: unknown; errors?: unknown };
  const own = typeof apiId === 'string' ? [{ apiId, path: typeof path === 'string' ? path : '' }] : [];
  return Array.isArray(errors) ? [...own, ...errors.flatMap(partsOf)] : own;
}

/** The innermost topic's name on the way that `path` (`/topics/0/partitions/1`) takes through the answer. */
function topicAt(path: string, error: unknown): string | undefined {
  let at = (error as { response?: unknown }).response;
  let name: string | undefined;
  for (const step of path.split('/').slice(1)) {
    if (typeof at !== 'object' || at === null) break;
    // The library writes paths in either style.
    at = (at as Record<string, unknown>)[step.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())];
    const found = at as { name?: unknown; topicName?: unknown; resourceName?: unknown } | undefined;
    const text = found?.name ?? found?.topicName ?? found?.resourceName;
    if (typeof text === 'string') name = text;
  }
  return name;
}
