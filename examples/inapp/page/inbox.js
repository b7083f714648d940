// Shows the inbox: what a site's own page would do with Tripline's client.

const { user, url } = await (await fetch(`/session${location.search}`)).json();
const { openInbox } = await import(`${url}/inapp/client.js`);

const find = (id) => document.getElementById(id);
find('user').textContent = user;

const inbox = openInbox({
  url,
  token: async () => (await fetch(`/token${location.search}`)).text(),
  onChange: show,
  onError: (error) => {
    find('error').textContent = `The inbox cannot be reached just now (${error.message}).`;
  },
});

function show(messages, unread) {
  find('error').textContent = '';
  find('unread').textContent = `${unread} unread`;
  find('unread').dataset.count = unread;
  const shown = messages.filter(({ state }) => state !== 'archived' && state !== 'dismissed');
  find('messages').replaceChildren(...shown.map(row));
  // What is on the screen has been seen.
  for (const { id, state } of shown) if (state === 'delivered') inbox.mark(id, 'seen').catch(() => {});
}

function row({ id, title, body, url: link, state }) {
  const isUnread = state === 'delivered' || state === 'seen';
  const item = document.createElement('li');
  item.className = isUnread ? 'unread' : 'read';
  item.append(element('h3', title), element('p', body));
  if (link !== null) {
    const anchor = element('a', 'Open');
    anchor.href = link;
    anchor.setAttribute('aria-label', `Open: ${title}`);
    anchor.addEventListener('click', () => inbox.mark(id, 'clicked'));
    item.append(anchor);
  }
  if (isUnread) item.append(button('Mark as read', title, () => inbox.mark(id, 'read')));
  item.append(button('Archive', title, () => inbox.mark(id, 'archived')));
  return item;
}

/** As text: nothing of a message becomes markup. */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function button(text, title, act) {
  const made = element('button', text);
  made.type = 'button';
  made.setAttribute('aria-label', `${text}: ${title}`);
  made.addEventListener('click', act);
  return made;
}
