// Tripline's inbox in a page: no dependencies, for current browsers. Types: client.d.ts.
//
// One tab of a browser has the stream (Web Locks) and tells the others (BroadcastChannel); without those, each tab has its own.

const HOME = new URL('..', import.meta.url).href.replace(/\/$/, '');
const RETRY_MS = 5_000;

export function openInbox({ url = HOME, token, onChange, onError = () => {} }) {
  const closing = new AbortController();
  const messages = new Map();
  let unread = 0;
  let source = null;
  let channel = null;

  const tokenNow = async () => (typeof token === 'function' ? token() : token);

  async function ask(path, method = 'GET') {
    const response = await fetch(`${url}/inapp/${path}`, {
      method,
      headers: { authorization: `Bearer ${await tokenNow()}` },
      signal: closing.signal,
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message ?? `HTTP ${response.status}`);
    return body;
  }

  function show() {
    const newestFirst = [...messages.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
    if (!closing.signal.aborted) onChange(newestFirst, unread);
  }

  function take(event) {
    if (event.message) messages.set(event.message.id, event.message);
    if (event.unread !== undefined) unread = event.unread;
    show();
  }

  function tell(event) {
    take(event);
    channel?.postMessage(event);
  }

  async function load() {
    try {
      const all = await ask('messages');
      messages.clear();
      for (const message of all.messages) messages.set(message.id, message);
      unread = all.unread;
      show();
    } catch (error) {
      if (!closing.signal.aborted) onError(error);
    }
  }

  /** Until the tab closes, again and again; a browser resumes by itself, with a new token we do. */
  async function listen() {
    let last = '';
    while (!closing.signal.aborted) {
      const ended = Promise.withResolvers();
      try {
        const query = new URLSearchParams({ token: await tokenNow(), ...(last && { lastEventId: last }) });
        source = new EventSource(`${url}/inapp/stream?${query}`);
        source.onopen = () => load().then(() => channel?.postMessage({ reload: true }));
        source.onmessage = ({ data, lastEventId }) => {
          last = lastEventId;
          tell({ message: JSON.parse(data) });
        };
        source.addEventListener('unread', ({ data, lastEventId }) => {
          last = lastEventId;
          tell({ unread: Number(data) });
        });
        source.onerror = () => {
          if (source.readyState === EventSource.CLOSED) ended.resolve();
        };
        closing.signal.addEventListener('abort', ended.resolve, { once: true });
        await ended.promise;
      } catch (error) {
        onError(error);
      }
      source?.close();
      if (!closing.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async function start() {
    if (typeof BroadcastChannel !== 'undefined' && navigator.locks) {
      // Of one user: who logs in as another has another inbox.
      const [, payload = ''] = (await tokenNow()).split('.');
      const name = `tripline-inbox ${url} ${payload.length > 0 ? subjectOf(payload) : ''}`;
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => (data.reload ? load() : take(data));
      load();
      navigator.locks.request(name, { signal: closing.signal }, listen).catch(() => {});
    } else {
      listen();
    }
  }

  start().catch(onError);
  return {
    async mark(id, state) {
      const { unread: left } = await ask(`messages/${encodeURIComponent(id)}/${state}`, 'POST');
      const message = messages.get(id);
      tell({ ...(message && { message: { ...message, state } }), unread: left });
    },
    close() {
      closing.abort();
      source?.close();
      channel?.close();
    },
  };
}

function subjectOf(payload) {
  try {
    const text = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (each) => each.charCodeAt(0)))).sub;
  } catch {
    return payload;
  }
}

export async function subscribeToPush({ url = HOME, token, userId, publicKey, registration }) {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('the user does not want notifications');
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
  const id = await deviceId(subscription);
  await tellDevice({ url, token, userId, id }, 'PUT', { type: 'web', subscription: subscription.toJSON() });
  return id;
}

export async function unsubscribeFromPush({ url = HOME, token, userId, registration }) {
  const subscription = await registration.pushManager.getSubscription();
  if (!subscription) return;
  const id = await deviceId(subscription);
  await subscription.unsubscribe();
  await tellDevice({ url, token, userId, id }, 'DELETE');
}

/** The same for the same subscription. */
async function deviceId({ endpoint }) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(endpoint));
  return `web-${[...new Uint8Array(digest, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

async function tellDevice({ url, token, userId, id }, method, body) {
  const response = await fetch(`${url}/api/people/${encodeURIComponent(userId)}/devices/${id}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error((await response.json()).message ?? `HTTP ${response.status}`);
}
