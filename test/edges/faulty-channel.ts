// A channel of somebody's own whose code does whatever a test says: installed as any other (TRIPLINE_CHANNEL_MODULES).

import {
  defineChannel,
  type Outgoing,
  type Rendering,
  type SendResult,
  Type,
} from '../../connectors/channels/extending.ts';
import type { Action } from '../../schemas/action.ts';

/** What happens instead of the usual, by the name under which a channel is configured. */
export interface Script {
  render?: ((action: Action) => Rendering) | undefined;
  send?: ((outgoing: Outgoing, signal: AbortSignal) => Promise<SendResult>) | undefined;
}

export const scripts = new Map<string, Script>();

export default defineChannel({
  id: 'faulty',
  description: 'What a test says',
  traits: { template: 'optional', asksConsent: false, addresses: null },
  connector: {
    options: Type.Object({ label: Type.String() }, { additionalProperties: false, description: 'What a test says' }),
    concurrency: () => 4,
    retryScheduleMs: [1_000, 1_000],
    open: ({ label }, { templates }) => ({
      render(action) {
        const render = scripts.get(label)?.render;
        if (render !== undefined) return render(action);
        const text = action.template === null ? '' : templates.render(action).body;
        return { outcome: 'rendered', message: { address: null, content: { text } } };
      },
      send(outgoing, signal) {
        const send = scripts.get(label)?.send;
        return send === undefined
          ? Promise.resolve({ outcome: 'delivered', providerId: label })
          : send(outgoing, signal);
      },
      close: () => Promise.resolve(),
    }),
  },
});
