// A hash of texts, for tables of our own.
//
// Why there are such tables: a Map that keys come to and leave all the time makes itself a new table now and then, and the
// one before keeps a reference to it. Once one of them is old, all that come after, and what was in them, are kept until the
// next collection of the whole heap, and are copied there first (measured: a third of all garbage of entity documents).

/** 32 bits, signed; FNV-1a over the text's UTF-16 units, mixed once more so that the low bits are as good as the others. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
