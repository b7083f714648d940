// The options of the in-app channel: `channels.inapp` in tripline.yaml.

import Type from 'typebox';

export const InappOptionsSchema = Type.Object(
  {
    secret: Type.String({
      secret: true,
      minLength: 8,
      description: "Signs users' tokens: JWT, HS256, with the user's id as `sub`; 32 random characters or more",
    }),
  },
  { additionalProperties: false, description: 'Inbox inside an app or site; left out: no inbox here' },
);

export type InappOptions = Type.Static<typeof InappOptionsSchema>;
