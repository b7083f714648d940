// How urgent a rule is: what competes goes by it, routes of `auto` and how long a message is good follow from it.

export const URGENCIES = ['critical', 'operational', 'marketing'] as const;

export type Urgency = (typeof URGENCIES)[number];
