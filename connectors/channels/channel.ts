// What a channel is: one definition from which its configuration, its checks, its reach and consent, its reference in the
// documentation and its connector follow.
//
// Owns: the shape of a definition. Does not own: how actions are delivered (delivery/). A new channel is a folder with its
// definition and a line in index.ts; testing/channel-suite.ts runs on each that has a connector.

import type { LookupFunction } from 'node:net';
import type { Static, TSchema } from 'typebox';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import { compileSchema, type SchemaFinding } from '../../lib/schema-check.ts';
import type { ChannelTraits } from '../../rules/gates/channels.ts';
import { checkCommon, partsOf } from './common-options.ts';
import type { ChannelSender } from './delivery/sender.ts';
import { supervised } from './delivery/supervised.ts';
import type { Links } from './links/links.ts';
import type { Templates } from './templates/templates.ts';

export interface ChannelDependencies {
  readonly clock: Clock;
  readonly templates: Templates;
  /** In place of the system's DNS. */
  readonly lookup?: LookupFunction | undefined;
  readonly application: string;
  /** Where the world reaches this installation (`http.publicUrl`), without a slash at its end; null: it does not. */
  readonly publicUrl: string | null;
  /** Links over `publicUrl`; null: there are none. */
  readonly links: Links | null;
  /** Categories that ask nobody, and so cannot be unsubscribed from. */
  readonly always: ReadonlySet<string>;
  /** What the rule says of itself, as it stands now; null: nothing, or there is no such rule any more. */
  readonly ruleDescription: (rule: string) => string | null;
}

/** How a channel's actions are delivered here. */
export interface Connector<Options> {
  /** `channels.<id>` of the configuration. */
  readonly options: TSchema;
  /** What the schema cannot say about options that fit it. */
  check?(options: Options): readonly SchemaFinding[];
  /** Whether these options make up for an address that a person's profile lacks. */
  readonly standsInForAddress?: (options: Options) => boolean;
  /** Sends under way at a time, for each partition. */
  readonly concurrency: (options: Options) => number;
  /** Delays before the second and later attempts, ms. */
  readonly retryScheduleMs: readonly number[];
  /** Messages a second that the provider takes of one sender, where it says so; left out: as many as there are. */
  readonly ratePerSecond?: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a channel renders is its own affair.
  open(options: Options, dependencies: ChannelDependencies): ChannelSender<any>;
}

export interface Channel<Options = unknown> {
  /** Its name in rules, and of its topic `actions.<id>`. */
  readonly id: string;
  /** One line for the documentation. */
  readonly description: string;
  readonly traits: ChannelTraits;
  /** Null: no connector in this version; other programs read its topic. */
  readonly connector: Connector<Options> | null;
}

export interface ConnectorSpec<Schema extends TSchema> extends Omit<Connector<Static<Schema>>, 'options'> {
  readonly options: Schema;
}

export function defineChannel<Schema extends TSchema>(
  definition: Omit<Channel, 'connector'> & { readonly connector: ConnectorSpec<Schema> | null },
): Channel {
  return definition as Channel;
}

/** Everything wrong with a channel's options; fills defaults in. */
export function checkOptions({ connector }: Channel, options: object): readonly SchemaFinding[] {
  if (connector === null) return [];
  const { own, common } = partsOf(options);
  const findings = [...compileSchema(connector.options)(own), ...checkCommon(common)];
  Object.assign(options, own);
  return findings.length > 0 ? findings : (connector.check?.(own) ?? []);
}

/** `name`: what the configuration calls it. Throws FatalError TRG_CONFIG_INVALID; fills defaults in. */
export function openChannel(
  channel: Channel,
  given: object,
  dependencies: ChannelDependencies,
  name: string = channel.id,
): ChannelSender {
  const { connector } = channel;
  if (connector === null) throw new FatalError('TRG_CONFIG_INVALID', `channels.${name}: there is no such connector`);
  const options = structuredClone(given);
  const findings = checkOptions(channel, options);
  if (findings.length === 0) {
    const missing = new Set<string>();
    const templates = dependencies.templates.listening((names) => {
      for (const each of names) missing.add(each);
    });
    return supervised(connector.open(partsOf(options).own, { ...dependencies, templates }), dependencies.clock, missing);
  }
  throw new FatalError('TRG_CONFIG_INVALID', findings.map(({ message }) => `channels.${name}: ${message}`).join('\n'));
}
