// Types of /inapp/client.js.

export type InboxState = 'seen' | 'read' | 'clicked' | 'dismissed' | 'archived';

export interface InboxMessage {
  readonly id: string;
  /** ISO-8601. */
  readonly at: string;
  readonly title: string;
  /** Text, never HTML: show it as such. */
  readonly body: string;
  readonly url: string | null;
  readonly image: string | null;
  readonly state: 'delivered' | InboxState;
}

export interface InboxOptions {
  /** Where Tripline is reached, without a slash at its end; left out: where the client was loaded from. */
  readonly url?: string;
  /** The user's token, or what fetches one; asked again when it has expired. */
  readonly token: string | (() => string | Promise<string>);
  /** Called with all messages, the newest first, and how many are unread, at first and after each change. */
  readonly onChange: (messages: readonly InboxMessage[], unread: number) => void;
  readonly onError?: (error: Error) => void;
}

export interface Inbox {
  /** Resolves once the server has it. */
  mark(id: string, state: InboxState): Promise<void>;
  close(): void;
}

/** Opens the user's inbox: one stream for all tabs of a browser. */
export function openInbox(options: InboxOptions): Inbox;

export interface SubscribeOptions {
  readonly url?: string;
  /** The user's token, of which `userId` must be the subject, or a write key. */
  readonly token: string;
  readonly userId: string;
  /** `channels.push.web.publicKey`. */
  readonly publicKey: string;
  /** The page's own service worker, which shows messages; browsers with Declarative Web Push need it for the subscription alone. */
  readonly registration: ServiceWorkerRegistration;
}

/** Asks for permission, subscribes this browser to push, and tells Tripline. Resolves to the device's id. */
export function subscribeToPush(options: SubscribeOptions): Promise<string>;

/** Ends this browser's subscription, and tells Tripline. */
export function unsubscribeFromPush(options: Omit<SubscribeOptions, 'publicKey'>): Promise<void>;
