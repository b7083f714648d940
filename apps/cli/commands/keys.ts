// `tripline keys`: API keys for `http.keys` of the configuration.

import { systemClock } from '../../../lib/clock.ts';
import { parseDuration } from '../../../lib/duration.ts';
import { parseInstant } from '../../../lib/instant.ts';
import { type CreatedKey, createKey, ROLES, type Role } from '../../../services/keys/keys.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { choiceOption } from '../options.ts';

export const keys = defineCommand({
  name: 'keys',
  summary: 'Makes an API key, and what the configuration is to have of it',
  usage: 'create NAME --role ROLE [--role ROLE…] [--expires 90d] [--json]',
  options: {
    role: { type: 'string', multiple: true, value: 'ROLE', description: `What it may do: ${ROLES.join(', ')}` },
    expires: { type: 'string', value: 'TIME', description: 'For how long it is good, such as 90d, or until when' },
    json: { type: 'boolean', description: 'One JSON object: name, hash, roles, expires if any, and the key' },
  },
  run: async ({ values, positionals }, io) => {
    const [word, name, ...rest] = positionals;
    if (word !== 'create') throw usageError('keys: say what: create', 'tripline keys create NAME --role viewer');
    if (name === undefined || rest.length > 0) throw usageError('keys create: give the key one name');
    const created = createKey(name, rolesOf(values.role ?? []), expiryOf(values.expires));
    if (values.json === true) io.stdout.write(`${JSON.stringify(created)}\n`);
    else show(created, io);
    return 0;
  },
});

function rolesOf(texts: readonly string[]): readonly Role[] {
  if (texts.length === 0) throw usageError(`keys create: --role is needed: ${ROLES.join(', ')}`);
  const roles = texts.map((text) => choiceOption('keys create', 'role', text, ROLES)!);
  return [...new Set(roles)];
}

/** Ms since 1970; null: never. */
function expiryOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const now = systemClock.now();
  const forMs = parseDuration(text);
  const until = forMs === null ? parseInstant(text) : now + forMs;
  if (Number.isNaN(until)) {
    throw usageError(
      `keys create: --expires ${text} is neither a duration such as 90d nor a time such as 2027-01-31T00:00:00Z`,
    );
  }
  if (until <= now) throw usageError(`keys create: --expires ${text} is over already`);
  return until;
}

/** The key once, and lines to be pasted. */
function show({ name, hash, roles, expires, key }: CreatedKey, io: Io): void {
  const until = expires === undefined ? '' : `, expires: ${expires}`;
  io.stdout.write(`${key}\n`);
  io.stdout.write('  the key, shown this once: requests send it as Authorization: Bearer KEY\n\n');
  io.stdout.write('# into tripline.yaml, under http:\nkeys:\n');
  io.stdout.write(`  - { name: ${JSON.stringify(name)}, hash: "${hash}", roles: [${roles.join(', ')}]${until} }\n`);
}
