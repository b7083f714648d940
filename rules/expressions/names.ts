// The names that expressions may use, and those that the language has but this version does not.

/** Functions of this version, with what they take, for messages. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  sent: 'sent(channel, duration), such as sent("email", "24h")',
  hour: 'hour(timestamp) or hour(timestamp, timezone)',
  weekday: 'weekday(timestamp) or weekday(timestamp, timezone)',
  daysSince: 'daysSince(timestamp)',
  count: 'count(event name, duration), such as count("login", "7d")',
  last: 'last(event name), such as last("login")',
  opened: 'opened(duration), such as opened("7d")',
  clicked: 'clicked(duration), such as clicked("72h")',
  inSegment: 'inSegment(id), such as inSegment("vip")',
  score: 'score(model), such as score("churn")',
  consent: 'consent(category), such as consent("promotions")',
  inFlow: 'inFlow(rule), such as inFlow("onboarding")',
};

/** CEL's own functions that are not methods. */
export const CEL_FUNCTIONS: ReadonlySet<string> = new Set([
  'has',
  'size',
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'bytes',
  'dyn',
  'type',
  'timestamp',
  'duration',
]);

export const LATER_FUNCTIONS: ReadonlySet<string> = new Set();

export const LATER_VARIABLES: ReadonlySet<string> = new Set();

/** Macros by number of arguments; the first argument names the element. */
export const MACROS: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  map: [2, 3],
  filter: [2],
};

const CEL_WORDS =
  'true false null in as break const continue else for function if import let loop package namespace return var void while prototype __proto__';
const CEL_CONSTANTS = 'string bool int uint double map list bytes null_type type google cel optional';

/** Names that `as` cannot give. */
export function isReservedName(name: string): boolean {
  return (
    ['event', 'profile', 'account', 'now', 'session', 'flow'].includes(name) ||
    LATER_VARIABLES.has(name) ||
    Object.hasOwn(FUNCTIONS, name) ||
    LATER_FUNCTIONS.has(name) ||
    CEL_FUNCTIONS.has(name) ||
    `${CEL_WORDS} ${CEL_CONSTANTS}`.split(' ').includes(name)
  );
}
