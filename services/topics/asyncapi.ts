// The AsyncAPI document of the topics that other teams subscribe to, made from the topics and schemas of the code so that
// they cannot disagree. docs/asyncapi.yaml is it (npm run generate).

import { stringify } from 'yaml';
import { CHANNEL_IDS } from '../../connectors/channels/index.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { type PublicSchema, publicSchemas } from '../../topology/public-schemas.ts';
import { actionsTopic, DEFAULT_PREFIX, publicTopics } from '../../topology/topics.ts';

const BINDING_VERSION = '0.5.0';
const AVRO = 'application/vnd.apache.avro+json;version=1.9.0';

/** What the schema does not say of a kind of record. */
interface RecordKind {
  readonly message: string;
  readonly summary: string;
  readonly description: string;
  readonly key: string;
  readonly hasDecisionId: boolean;
}

/** By schema; each topic's records are one kind. */
const KINDS: Readonly<Record<string, RecordKind>> = {
  'actions/action': {
    message: 'action',
    summary: 'One message or command to one entity over one channel.',
    description:
      'Each send of a rule that fired is one record. `id` is the same whenever the action is read: take it as the key of ' +
      'what you do, so that doing it twice does nothing. `data` and `context` are strings that hold JSON.',
    key: 'Id of the entity that it is about (UTF-8): actions of one entity are in the order of their decisions',
    hasDecisionId: true,
  },
  decision: {
    message: 'decision',
    summary: 'What was concluded about one match of a rule, fired or not, with the reason.',
    description:
      '`at` is event time; a decision about an absence is at its deadline. `values` is a string that holds JSON: what the ' +
      'conditions saw.',
    key: 'Id of the entity that it is about (UTF-8)',
    hasDecisionId: true,
  },
  'flow-record': {
    message: 'flowRecord',
    summary: 'What happened in one flow: one run of the steps of a rule for one decision that fired.',
    description:
      '`kind` is entered, waiting, sent, skipped, chose, reviewed, goal or ended; `flow` is the id of the decision. A goal is ' +
      'told of also when the flow has ended, or never began since the person was held out. `at` is event time.',
    key: 'Id of the entity that it is about (UTF-8): records of one entity are in the order in which they happened',
    hasDecisionId: false,
  },
  delivery: {
    message: 'delivery',
    summary: 'What became of an action at its provider.',
    description: '`outcome` is delivered, skipped or failed; a failed one is a dead letter as well. `at` is wall time.',
    key: 'Key of the action: the id of the entity that it is about (UTF-8)',
    hasDecisionId: true,
  },
  'dead-letter': {
    message: 'deadLetter',
    summary: 'A record that could not be used, or an action that was given up, as it was, with the reason.',
    description:
      '`reason` is a code of docs/errors.md. Records without a value mark letters that were replayed: skip them.',
    key: '`TOPIC/PARTITION` that the record was read from (UTF-8); of a marker `replayed/OFFSET`',
    hasDecisionId: false,
  },
  late: {
    message: 'late',
    summary: 'An event that came after its entity had been evaluated past it, with the rules that did not see it.',
    description: '`envelope` is the event in the schema Event of schemas/events/event.avsc, not framed.',
    key: 'Id of the entity (UTF-8)',
    hasDecisionId: false,
  },
};

/** The document as YAML. */
export function asyncApiYaml(): string {
  const head = '# Made from the code by `npm run generate`: change topics and schemas there.\n';
  return head + stringify(asyncApiDocument(), { lineWidth: 120, aliasDuplicateObjects: false });
}

export function asyncApiDocument(): JsonObject {
  const schemas = publicSchemas(DEFAULT_PREFIX, CHANNEL_IDS);
  const byName = new Map(schemas.map((schema) => [schema.name, schema]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tripline',
      version: '1.0.0',
      description:
        'Topics that Tripline writes for other teams. Records are Avro in Confluent framing: a zero byte, the schema id ' +
        '(4 bytes, big-endian), the record. With a registry the id is the registry’s, under the subject `TOPIC-value`, and ' +
        'a new version of a schema can read what an older one wrote (BACKWARD). Read with `isolation.level=read_committed`: ' +
        'what was not committed never happened.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/vnd.apache.avro',
    channels: Object.fromEntries(schemas.map((schema) => [channelName(schema.topic), channelOf(schema)])),
    operations: Object.fromEntries(schemas.map(({ topic }) => [`write-${channelName(topic)}`, operationOf(topic)])),
    components: {
      messages: Object.fromEntries([...byName].map(([name, schema]) => [KINDS[name]!.message, messageOf(schema)])),
    },
  };
}

/** Names in AsyncAPI have no dots, so that references to them need no escapes. */
function channelName(topic: string): string {
  return topic.replaceAll('.', '-');
}

function channelOf({ topic, name }: PublicSchema): JsonObject {
  const { message, summary } = KINDS[name]!;
  return {
    address: topic,
    summary,
    messages: { [message]: { $ref: `#/components/messages/${message}` } },
    bindings: {
      kafka: {
        topic,
        topicConfiguration: { 'cleanup.policy': ['delete'] },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function operationOf(topic: string): JsonObject {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${channelName(topic)}` },
    summary: `Tripline writes ${purposeOf(topic)}, in transactions.`,
  };
}

function purposeOf(topic: string): string {
  const { decisions, flows, deliveries, deadLetter } = publicTopics(DEFAULT_PREFIX);
  if (topic === decisions) return 'every decision';
  if (topic === flows) return 'what happens in each flow';
  if (topic === deliveries) return 'what became of each action that a connector of its own delivers';
  if (topic === deadLetter) return 'what it could not use';
  const channel = topic.slice(actionsTopic(DEFAULT_PREFIX, '').length);
  return topic === actionsTopic(DEFAULT_PREFIX, channel)
    ? `actions for the channel ${channel}`
    : 'events that came too late';
}

function messageOf({ name, text, subject }: PublicSchema): JsonObject {
  const { message, summary, description, key, hasDecisionId } = KINDS[name]!;
  const isShared = name === 'actions/action';
  return {
    name: message,
    summary,
    description: `${description} Subject: \`${isShared ? 'actions.CHANNEL-value' : subject}\`.`,
    contentType: 'application/vnd.apache.avro',
    headers: headersOf(hasDecisionId),
    payload: { schemaFormat: AVRO, schema: JSON.parse(text) as Json },
    bindings: {
      kafka: {
        key: { type: 'string', description: key },
        schemaIdLocation: 'payload',
        schemaIdPayloadEncoding: 'confluent',
        schemaLookupStrategy: 'TopicNameStrategy',
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function headersOf(hasDecisionId: boolean): JsonObject {
  const traceparent: JsonObject = {
    type: 'string',
    description: 'W3C trace context, if the event that led to it had one (UTF-8)',
    pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$',
  };
  if (!hasDecisionId) return { type: 'object', properties: { traceparent } };
  return {
    type: 'object',
    required: ['tripline-decision-id'],
    properties: {
      'tripline-decision-id': { type: 'string', description: 'Id of the decision (UTF-8)' },
      traceparent,
    },
  };
}
