// The second word of a command such as `tripline dlq list`.

import { didYouMean } from '../../lib/suggest.ts';
import { usageError } from './command.ts';

/** The one word in `positionals`, which must be among `words`. Throws FatalError TRG_USAGE. */
export function subcommand<const Word extends string>(
  command: string,
  positionals: readonly string[],
  words: readonly Word[],
): Word {
  const [given, ...rest] = positionals;
  const found = words.find((word) => word === given);
  if (found !== undefined && rest.length === 0) return found;
  const hint = `tripline ${command} --help explains them`;
  if (given === undefined) throw usageError(`${command}: say which: ${words.join(' or ')}`, hint);
  if (found !== undefined) throw usageError(`${command} ${found}: takes no "${rest[0]}"`, hint);
  throw usageError(`${command}: there is no "${given}", only ${words.join(' and ')}`, didYouMean(given, words) ?? hint);
}
