// What is most likely wrong with text that JSON.parse refuses, by what senders and exporters are known to write.
//
// Owns: telling their habits apart. Does not own: parsing; and quotes nothing of the text, which is somebody's data.

const SMART_QUOTES = /[{,:]\s*[“”„]/;
const WHOLE: readonly (readonly [pattern: RegExp, mistake: string])[] = [
  [/^\s*$/, 'it is empty'],
  [/^\uFEFF/, 'it begins with a byte order mark: write UTF-8 without one'],
  [/^\s*<(!doctype|html|\?xml|[a-z])/i, 'it is HTML or XML'],
  [/^(data|event|id|retry): ?/, 'it is a server-sent event: what follows "data: " may be JSON'],
  [/^---(\s|$)|^[A-Za-z_]\w*: /, 'it is YAML or a log line'],
  [/^\s*(\/\/|\/\*|#)/, 'it is a comment, which JSON does not have'],
  [
    /^\s*\(?[A-Za-z_$][\w$.]*\(/,
    'it is a call in a programming language (JSONP): only what is in the parentheses may be JSON',
  ],
  [/^\d{4}-\d\d-\d\d[T ][\d:.,+Z-]+\s+\S/, 'it begins with the time of a log: leave out what stands before the {'],
];

/** Looked for outside of texts, in this order. */
const INSIDE: readonly (readonly [pattern: RegExp, mistake: string])[] = [
  [
    /[:[,]\s*[-+]?(NaN|Infinity|nan|inf|Inf)\b/,
    'NaN and Infinity are no numbers in JSON: write null (Python: allow_nan=False)',
  ],
  [/[:[,]\s*(None|True|False)\b/, 'None, True and False are Python: write it with json.dumps'],
  [/[:[,]\s*undefined\b/, 'undefined is no value in JSON: leave the field out, or write null'],
  [
    /[:[,]\s*(ObjectId|ISODate|NumberLong|NumberDecimal|NumberInt|Timestamp|BinData|UUID|datetime\.datetime|Decimal)\(/,
    'it holds values in the form of a database shell or of Python: export with mongoexport, or json.dumps',
  ],
  [/[{,]\s*'|:\s*'/, 'texts stand in single quotes: JSON has double ones'],
  [/\/\/|\/\*/, 'it holds a comment, which JSON does not have'],
  [/,\s*[}\]]/, 'a comma stands before a closing bracket'],
  [/[{,]\s*[A-Za-z_$][\w$]*\s*:/, 'names of fields lack their double quotes'],
  [/=>/, '=> is Ruby or PHP: write it with to_json or json_encode'],
  [/[:[,]\s*[-+]?0\d/, 'a number begins with 0: an id or a postal code is a text, in quotes'],
  [/[:[,]\s*\+\d/, 'a number begins with +'],
  [/[:[,]\s*-?\.\d|\d\.(?=[,}\]\s]|$)/, 'a number lacks its digits before or after the point'],
  [/[:[,]\s*-?0[xX]/, 'a number is hexadecimal: write it in decimal, or as a text'],
  [/:\s*-?\d+,\d+\s*,\s*"|:\s*-?\d+,\d+\s*}/, 'a number has a comma: write a point'],
  [
    /"\s*"(?=\s*[^\s,}\]:])|["}\]\d]\s+"/,
    'a comma is missing between two fields, or a quote inside of a text lacks its \\',
  ],
];

/** Looked at, characters: a mistake further on is not worth the time that a hostile record could make of it. */
const LOOKED_AT_MAX = 65_536;
/** Enough to see what kind of text it is. */
const HEAD_MAX = 1_024;

/** Null: nothing that is known. Time is linear in the text. */
export function jsonMistake(text: string): string | null {
  const head = text.slice(0, HEAD_MAX);
  const whole = WHOLE.find(([pattern]) => pattern.test(head));
  if (whole !== undefined) return whole[1];
  if (!/[{}[\]]/.test(head) && (head.match(/[,;\t]/g)?.length ?? 0) >= 2) {
    return 'it looks like CSV: give --mapping with what its columns are';
  }
  if (/[^\\]\\\\"/.test(text.slice(0, LOOKED_AT_MAX))) {
    return 'a \\ is doubled before a quote, as PostgreSQL’s COPY does in its text format: export with psql -At, or (FORMAT csv)';
  }
  const { outside, isOpen, hasControl, hasEscape } = withoutTexts(text.slice(0, LOOKED_AT_MAX));
  if (SMART_QUOTES.test(outside)) return 'texts stand in typographic quotes, which a word processor made';
  const inside = INSIDE.find(([pattern]) => pattern.test(outside));
  if (inside !== undefined) return inside[1];
  if (hasEscape) return 'a \\ in a text stands before something else than " \\ / b f n r t u: write \\\\';
  if (hasControl) return 'a text holds a tab, a line break or another control character: write \\t, \\n or \\u…';
  if (text.length > LOOKED_AT_MAX) return null;
  if (isOpen) return 'it ends inside of a text: it is cut off, or a quote in it lacks its \\';
  const depth = depthOf(outside);
  if (depth > 0) return 'it ends before its last bracket: it is cut off';
  return depth < 0 || outside.slice(endOfFirst(outside)).trim() !== '' ? 'something follows after its end' : null;
}

interface Outside {
  /** The text with every text in it made empty, and white space made one space. */
  readonly outside: string;
  readonly isOpen: boolean;
  readonly hasControl: boolean;
  readonly hasEscape: boolean;
}

function withoutTexts(text: string): Outside {
  let outside = '';
  let isText = false;
  let hasControl = false;
  let hasEscape = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (!isText) {
      const isSpace = char === ' ' || char === '\t' || char === '\r' || char === '\n';
      if (!isSpace) outside += char;
      else if (!outside.endsWith(' ')) outside += ' ';
    } else if (char === '\\') {
      if (!/^(["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at + 1, at + 6))) hasEscape = true;
      at++;
    } else if (char === '"') outside += char;
    else if (char < ' ') hasControl = true;
    if (char === '"') isText = !isText;
  }
  return { outside, isOpen: isText, hasControl, hasEscape };
}

function depthOf(outside: string): number {
  let depth = 0;
  for (const char of outside) {
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
  }
  return depth;
}

/** Where the first value ends, if it is a list or an object. */
function endOfFirst(outside: string): number {
  let depth = 0;
  for (let at = 0; at < outside.length; at++) {
    if (outside[at] === '{' || outside[at] === '[') depth++;
    else if ((outside[at] === '}' || outside[at] === ']') && --depth === 0) return at + 1;
  }
  return outside.length;
}
