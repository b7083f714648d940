// Email addresses, as far as one must know them to send to one person and nobody else.

/** RFC 5321's longest path, without its brackets. */
const ADDRESS_MAX = 254;

/**
 * Whether the text is one plain address. Commas, quotes, brackets, spaces and control characters are refused: with them
 * a profile could name further recipients, or further headers.
 */
export function isAddress(text: string): boolean {
  return text.length <= ADDRESS_MAX && /^[^\s\p{Cc}<>()[\]\\,;:"@]{1,64}@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u.test(text);
}

/** The host of a sender such as `Shop <hello@shop.test>` or `hello@shop.test`; null when it is neither. */
export function hostOf(sender: string): string | null {
  if (/[\r\n]/.test(sender)) return null;
  const address = /^[^<>]*<([^<>]+)>$/.exec(sender.trim())?.[1] ?? sender.trim();
  return isAddress(address) ? address.slice(address.indexOf('@') + 1) : null;
}
