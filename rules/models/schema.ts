// The shape of a model's file.

import Type, { type Static } from 'typebox';
import { duration, expression, fields, IDENTIFIER_PATTERN, NAME_PATTERN } from '../language/parts.ts';

/** More than this is a data set, not a description of one person. */
const FEATURES_MAX = 200;

const Feature = fields({
  name: Type.String({ pattern: IDENTIFIER_PATTERN, maxLength: 64, description: 'What the model calls it.' }),
  value: expression('A number; true is 1, false is 0. http takes any value.'),
  weight: Type.Optional(Type.Number({ description: 'linear: how much it counts.' })),
  default: Type.Optional(
    Type.Number({ description: 'Where the expression fails or is null; left out: the score fails.' }),
  ),
});

const WebAddress = { pattern: '^https?://' };

const OAuth = fields(
  {
    tokenUrl: Type.String({
      ...WebAddress,
      examples: ['https://login.example.com/oauth/token'],
      description: 'Token endpoint.',
    }),
    clientId: Type.String({ minLength: 1, description: 'Client at the token endpoint.' }),
    clientSecret: Type.String({
      secret: true,
      pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$',
      examples: [`\${LEAD_CLIENT_SECRET}`],
      description: 'Its secret: an environment variable of the workers, since models are published as they stand.',
    }),
    scope: Type.Optional(Type.String({ minLength: 1, description: 'Scopes to ask for, separated by spaces.' })),
    audience: Type.Optional(
      Type.String({ minLength: 1, description: 'Whom the token is for, where the provider wants to be told.' }),
    ),
  },
  { description: 'http: OAuth 2.0 client credentials; requests carry a token.' },
);

export const ModelSchema = fields(
  {
    id: Type.String({ pattern: NAME_PATTERN, maxLength: 100, description: 'Kebab-case, unique, and never changed.' }),
    description: Type.Optional(Type.String({ description: 'What the score says.' })),
    type: Type.Enum(['linear', 'http', 'onnx'], {
      description: 'linear: weights over features; http: asked over HTTP; onnx: a file, by onnxruntime-node.',
    }),
    features: Type.Array(Feature, { minItems: 1, maxItems: FEATURES_MAX, description: 'What the model looks at.' }),
    intercept: Type.Optional(Type.Number({ description: 'linear: added to the sum; default 0.' })),
    link: Type.Optional(
      Type.Enum(['logistic', 'identity'], {
        description: 'linear: logistic (default) gives 0 to 1; identity the sum.',
      }),
    ),
    url: Type.Optional(
      Type.String({
        ...WebAddress,
        examples: ['https://models.example.com/lead'],
        description: 'http: where features are posted to.',
      }),
    ),
    oauth: Type.Optional(OAuth),
    file: Type.Optional(Type.String({ minLength: 1, description: 'onnx: the model, relative to this file.' })),
    timeout: Type.Optional(duration('http, onnx: how long an answer may take; default 500ms.')),
    cache: Type.Optional(duration('http, onnx: how long an answer is good for; default 10m.')),
    default: Type.Optional(Type.Number({ description: 'http, onnx: the score where there is no answer.' })),
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tripline model',
    description: 'One model: how a score is made of what is known of an entity.',
  },
);

type Loose<T> = T extends readonly (infer Item)[]
  ? (Loose<Item> | undefined)[]
  : T extends object
    ? { [Name in keyof T]?: Loose<T[Name]> | undefined }
    : T;

export type ModelBody = Loose<Static<typeof ModelSchema>>;
