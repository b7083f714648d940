// What every channel's options may say beside its own: how fast it may send, and how long it is tried.
//
// Owns: these options, apart from the channel's own. Does not own: the channel's (its folder), what follows from them (delivery/).

import Type, { type Static, type TObject, type TObjectOptions, type TSchema } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { compileSchema, type SchemaFinding } from '../../lib/schema-check.ts';
import { type Pace, paceOf, RATE_PATTERN } from './delivery/rate.ts';

const rate = (description: string) => Type.String({ pattern: RATE_PATTERN, examples: ['100/s', '50/h'], description });

const COMMON = {
  rate: Type.Optional(
    rate(
      'At most so many messages in a second, minute, hour or day (`s`, `m`, `h`, `d`), over all workers: each partition of its ' +
        'topic has its share',
    ),
  ),
  warmUp: Type.Optional(
    Type.Object(
      {
        from: Type.String({ format: 'instant', description: 'When sending begins' }),
        steps: Type.Array(
          Type.Object(
            {
              for: Type.String({ format: 'duration', description: 'How long this step lasts' }),
              rate: rate('At most so many messages meanwhile'),
            },
            { additionalProperties: false },
          ),
          { minItems: 1, maxItems: 100, description: 'One after the other' },
        ),
      },
      { additionalProperties: false, description: 'Slower at first, for a sender that nobody knows yet; then `rate`' },
    ),
  ),
  fallbackAfter: Type.Optional(
    Type.String({ format: 'duration', description: 'In place of the `fallbackAfter` of all channels' }),
  ),
};

const CommonSchema = Type.Object(COMMON, { additionalProperties: false });
type CommonOptions = Static<typeof CommonSchema>;

const check = compileSchema(CommonSchema);

/** A channel's options with those of all channels. */
export function withCommon(own: TSchema): TSchema {
  const { properties, additionalProperties, description } = own as TObject & TObjectOptions;
  const settings: TObjectOptions = { additionalProperties: additionalProperties ?? false };
  if (description !== undefined) settings.description = description;
  return Type.Object({ ...properties, ...COMMON }, settings);
}

/** The options apart: those of the channel, and those of all. What kind of channel it is (`type`) is in neither. */
export function partsOf(options: object): { readonly own: object; readonly common: object } {
  const own: Record<string, unknown> = {};
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === 'type') continue;
    (name in COMMON ? common : own)[name] = value;
  }
  return { own, common };
}

export function checkCommon(common: object): readonly SchemaFinding[] {
  return check(common);
}

/** Of options that were checked; `byDefaultPerSecond`: what the provider takes of everybody, null: as much as there is. */
export function paceOfChannel(options: object, byDefaultPerSecond: number | null): Pace {
  const { rate, warmUp } = partsOf(options).common as CommonOptions;
  const pace = paceOf({ ...(rate !== undefined && { rate }), ...(warmUp !== undefined && { warmUp }) });
  return { ...pace, perSecond: pace.perSecond ?? byDefaultPerSecond };
}

/** How long this channel is tried while its route has a further one, ms. */
export function fallbackAfterMsOf(options: object, byDefaultMs: number): number {
  const { fallbackAfter } = partsOf(options).common as CommonOptions;
  return fallbackAfter === undefined ? byDefaultMs : parseDuration(fallbackAfter)!;
}
