// `send.digest`: messages that would go out within a window are gathered into one.
//
// Owns: its shape, and what does not make sense. Does not own: gathering (processors/decide/digest.ts).

import Type, { type Static } from 'typebox';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Expression } from '../expressions/scope.ts';
import type { Path } from '../language/parse.ts';
import { duration, expression, fields, type Loose } from '../language/parts.ts';
import { msOf } from '../patterns/definition.ts';

/** Items wait in the entity's document as long as the window is. */
const WINDOW_MAX_MS = 31 * 86_400_000;
/** What templates and `data` of a digest read beside the rule's own names. */
export const DIGEST_NAMES = ['items', 'more'] as const;

export const Digest = fields(
  {
    window: duration('From the first message on; what would go out within it goes out at its end, as one.'),
    key: Type.Optional(expression('One digest for each value of this; left out: one for the send.')),
    first: Type.Optional(
      Type.Boolean({ description: 'The first goes at once, and the rest of the window is gathered.' }),
    ),
  },
  {
    description: 'Gathers what would go out within a window into one message with `items`. Critical rules are exempt.',
  },
);

type DigestBody = Loose<Static<typeof Digest>>;

export interface CompiledDigest {
  readonly windowMs: number;
  /** Null: one digest for the send. */
  readonly key: Expression | null;
  readonly first: boolean;
}

/** `path`: where it stands. */
export function compileDigest(
  digest: DigestBody,
  path: Path,
  names: Names,
  builder: RuleBuilder,
): CompiledDigest | null {
  const key = builder.key([...path, 'key'], digest.key, names);
  for (const name of DIGEST_NAMES) {
    if (!names.captures.includes(name)) continue;
    builder.error(
      path,
      `"${name}" is what a digest gathered, so that \`as\` cannot give that name`,
      `such as my_${name}`,
    );
  }
  const urgency = builder.document.node(['urgency']);
  if (urgency?.kind === 'scalar' && urgency.value === 'critical') {
    builder.warning(path, 'critical messages are not gathered: each goes at once', 'leave digest out');
  }
  // What is missing, or is no duration, has been reported.
  if (digest.window === undefined) return null;
  const windowMs = msOf(digest.window);
  if (windowMs > WINDOW_MAX_MS) builder.error([...path, 'window'], '"window" of a digest must be at most 31d');
  return { windowMs, key, first: digest.first ?? false };
}
