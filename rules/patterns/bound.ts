// `above` and `below`: the one bound of a figure.

import { isAnyWritten, type PatternTools } from './definition.ts';

export interface Bound {
  readonly side: 'above' | 'below';
  readonly value: number;
}

interface BoundBody {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/** Reports a bound that is missing, or given on both sides. */
export function boundOf(pattern: string, body: BoundBody, tools: PatternTools): Bound {
  const { above, below } = body;
  if (above !== undefined && below !== undefined) {
    tools.error([...tools.path, 'below'], `"${pattern}" has "above" and "below"`, 'write a rule for each');
  } else if (!isAnyWritten(tools, 'above', 'below')) {
    tools.error(tools.path, `"${pattern}" needs "above" or "below"`);
  }
  return above === undefined ? { side: 'below', value: below ?? 0 } : { side: 'above', value: above };
}

/** Whether the figure lies beyond the bound; a figure that is the bound does not, and one that is missing neither. */
export function beyond(bound: Bound, figure: number | null): boolean {
  if (figure === null) return false;
  return bound.side === 'above' ? figure > bound.value : figure < bound.value;
}
