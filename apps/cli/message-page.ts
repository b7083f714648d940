// Messages of a preview as one page for a browser.
//
// Invariants:
//   P1. A message runs nothing and reaches nothing of the page: its HTML is in a frame without any permission.

import type { PreviewedMessage } from '../../services/preview/preview.ts';

export function messagePage(rule: string, messages: readonly PreviewedMessage[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(rule)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733 }
iframe { width: 100%; height: 36rem; border: 1px solid #dde3ea } pre { white-space: pre-wrap; overflow-wrap: anywhere }
dt { font-weight: 600 } dd { margin: 0 0 .6rem } .missing { color: #a33 }
</style>
<h1>${escapeHtml(rule)}</h1>
${messages.map(sectionOf).join('\n')}
</html>
`;
}

function sectionOf({ channel, to, entity, at, outcome, reason, content, missing }: PreviewedMessage): string {
  const heading = `<h2>${escapeHtml(channel)}${to === null ? '' : ` to ${escapeHtml(to)}`}</h2>`;
  const about = `<p>${escapeHtml(entity)}, ${new Date(at).toISOString()}`;
  const lacks = missing.length === 0 ? '' : `<p class="missing">missing: ${escapeHtml(missing.join(', '))}`;
  if (content === null) {
    const what = outcome === 'elsewhere' ? 'another program delivers this channel' : `${outcome}: ${reason}`;
    return `${heading}${about}<p>${escapeHtml(what)}`;
  }
  const parts = Object.entries(content).flatMap(([name, value]) => {
    if (value === null || value === '') return [];
    if (name === 'html' && typeof value === 'string') return [`<dt>html<dd>${frameOf(value)}`];
    const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    return [`<dt>${escapeHtml(name)}<dd><pre>${escapeHtml(text)}</pre>`];
  });
  return `${heading}${about}${lacks}<dl>${parts.join('\n')}</dl>`;
}

/** P1. */
function frameOf(html: string): string {
  return `<iframe sandbox srcdoc="${escapeHtml(html)}"></iframe>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
