// The pages on which a person says what to receive: plain HTML, without scripts, readable on a phone and by a screen reader.

export interface Choice {
  readonly name: string;
  /** What the person reads. */
  readonly label: string;
  readonly isOn: boolean;
  /** The person is still to confirm it. */
  readonly isPending: boolean;
}

export interface PageText {
  readonly lang: string;
  readonly title: string;
  readonly body: string;
}

export function page({ lang, title, body }: PageText): string {
  return `<!doctype html>
<html lang="${escaped(lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 0 auto; padding: 2rem 1rem; }
label { display: block; padding: .5rem 0; }
button { font: inherit; padding: .6rem 1.2rem; margin-top: 1rem; }
</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/** Asks; nothing has changed yet. `what`: the category, null: everything. */
export function unsubscribePage(what: string | null, action: string, preferencesUrl: string): string {
  const about = what === null ? 'all messages' : `messages about “${escaped(what)}”`;
  return page({
    lang: 'en',
    title: 'Unsubscribe',
    body: `<p>Do you want to stop ${about}?</p>
<form method="post" action="${escaped(action)}">
<input type="hidden" name="List-Unsubscribe" value="One-Click">
<button type="submit">Unsubscribe</button>
</form>
<p><a href="${escaped(preferencesUrl)}">Choose what to receive</a></p>`,
  });
}

export function donePage(what: string | null, preferencesUrl: string): string {
  const about = what === null ? 'any more messages' : `any more messages about “${escaped(what)}”`;
  return page({
    lang: 'en',
    title: 'Unsubscribed',
    body: `<p role="status">You will not receive ${about}.</p>
<p><a href="${escaped(preferencesUrl)}">Choose what to receive</a></p>`,
  });
}

export interface Preferences {
  readonly action: string;
  readonly categories: readonly Choice[];
  readonly channels: readonly Choice[];
  readonly isSaved: boolean;
}

export function preferencesPage({ action, categories, channels, isSaved }: Preferences): string {
  const group = (legend: string, kind: string, choices: readonly Choice[]): string =>
    choices.length === 0
      ? ''
      : `<fieldset>
<legend>${legend}</legend>
${choices
  .map(
    ({ name, label, isOn, isPending }) =>
      `<label><input type="checkbox" name="${kind}:${escaped(name)}"${isOn ? ' checked' : ''}> ${escaped(label)}` +
      `${isPending ? ' <small>(please confirm it with the link that is sent to you)</small>' : ''}</label>`,
  )
  .join('\n')}
</fieldset>`;
  return page({
    lang: 'en',
    title: 'What would you like to receive?',
    body: `${isSaved ? '<p role="status">Your choice is saved.</p>\n' : ''}<form method="post" action="${escaped(action)}">
${group('Topics', 'category', categories)}
${group('Ways to reach you', 'channel', channels)}
<button type="submit" name="save" value="choice">Save</button>
<button type="submit" name="save" value="none">Stop everything</button>
</form>`,
  });
}

/** Asks; nothing has changed yet. `what`: categories and channels. */
export function confirmPage(what: readonly string[], action: string): string {
  return page({
    lang: 'en',
    title: 'Please confirm',
    body: `<p>${escaped(confirmText(what))}</p>
<form method="post" action="${escaped(action)}">
<button type="submit">Confirm</button>
</form>
<p>If it was not you who asked, close this page: nothing will be sent.</p>`,
  });
}

/** What the person is shown and says yes to. */
export function confirmText(what: readonly string[]): string {
  return `Do you want to receive ${what.join(', ')}?`;
}

export function confirmedPage(what: readonly string[]): string {
  return page({
    lang: 'en',
    title: 'Confirmed',
    body: `<p role="status">Thank you. You will receive ${escaped(what.join(', '))}.</p>`,
  });
}

export function expiredPage(): string {
  return page({
    lang: 'en',
    title: 'This link is no longer valid',
    body: '<p>It is too old. Please ask for the messages once more, and a new link is sent to you.</p>',
  });
}

export function unknownLinkPage(): string {
  return page({
    lang: 'en',
    title: 'This link is not valid',
    body: '<p>It may have been cut off. Please use the link in the message again, whole.</p>',
  });
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
