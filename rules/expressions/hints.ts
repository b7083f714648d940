// From what people write out of habit, from other languages and with other people's names, to how it is written here.
//
// Owns: the hints. Does not own: finding mistakes (the library, analysis.ts), which come here with their place.
//
// The habits are those that people bring to CEL and ask its users' trackers about, and names that Segment's libraries and
// web analytics give to properties ($current_url, utm-source, "order id").

import type { ExpressionProblem } from './analysis.ts';
import { FUNCTIONS } from './names.ts';

/** The same problem, with the hint for what was most likely meant, if that is known. */
export function withHint(problem: ExpressionProblem, source: string): ExpressionProblem {
  const message = readable(problem.message);
  const text = withoutTexts(source);
  const hint =
    nameHint(text, source, problem) ?? wordHint(message) ?? habitHint(message, text, problem.offset) ?? problem.hint;
  return { offset: problem.offset, message, hint };
}

/** What the library calls the pieces of an expression. */
const PIECES: Readonly<Record<string, string>> = {
  IDENTIFIER: 'a name',
  NUMBER: 'a number',
  BOOLEAN: 'true or false',
  STRING: 'a text',
  NULL: 'null',
  EOF: 'the end',
  LPAREN: '(',
  RPAREN: ')',
  LBRACKET: '[',
  RBRACKET: ']',
  LBRACE: '{',
  RBRACE: '}',
  DOT: '.',
  COMMA: ',',
  COLON: ':',
  QUESTION: '?',
  PLUS: '+',
  MINUS: '-',
  MULTIPLY: '*',
  DIVIDE: '/',
  MODULO: '%',
  GT: '>',
  LT: '<',
  GE: '>=',
  LE: '<=',
  EQ: '==',
  NE: '!=',
  AND: '&&',
  OR: '||',
  NOT: '!',
  IN: 'in',
};

function readable(message: string): string {
  const piece = (name: string): string => PIECES[name] ?? name.toLowerCase();
  return message
    .replace(
      /^expected ([A-Z]+), got ([A-Z]+)/,
      (_, wanted: string, got: string) => `expected ${piece(wanted)}, found ${piece(got)}`,
    )
    .replace(/^unexpected token: EOF/, 'unexpected end')
    .replace(/^unexpected token: ([A-Z]+)/, (_, got: string) => `unexpected ${piece(got)}`);
}

/** The expression with what stands in its texts and comments made blank, at the same places. */
function withoutTexts(source: string): string {
  return source.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*/g, (part) =>
    part.startsWith('//') ? ' '.repeat(part.length) : part[0]! + '_'.repeat(part.length - 2) + part[0]!,
  );
}

/** A property's name that is none of the language's: it is read with brackets. */
function nameHint(text: string, source: string, { offset, message }: ExpressionProblem): string | null {
  if (!/^(unexpected|expected|unknown name|reserved|invalid)/i.test(message)) return null;
  for (const found of text.matchAll(/(?<![\w.])((?:[A-Za-z_]\w*\.)+)([^\s.()[\]{}=<>!&|,+*/%?:;"'“”]+)/g)) {
    const [all, path, name] = found as unknown as [string, string, string];
    const end = found.index + all.length;
    if (found.index > offset || end + 1 < offset) continue;
    if (/^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name)) continue;
    if (/^\d+$/.test(name)) {
      const list = path.slice(0, -1);
      return `an entry is read with brackets: of a list ${list}[${name}], of a mapping ${list}["${name}"]`;
    }
    return bracketForm(path, source.slice(end - name.length, end));
  }
  // Two words with a space between, that belong to no operator.
  const spaced = /(?<![\w.])((?:[A-Za-z_]\w*\.)+)([A-Za-z_]\w*(?: [A-Za-z_]\w*)+)(?=\s*([=!<>]=?|in\b|$|[)&|]))/.exec(
    text,
  );
  if (spaced === null || spaced.index > offset || WORDS.test(spaced[2]!)) return null;
  return `if it is one name: ${bracketForm(spaced[1]!, spaced[2]!).replace('write ', '')}`;
}

/** Words that the language does not let stand after a point. */
const RESERVED = new Set(['in', 'null', 'true', 'false']);
/** What would be an operator elsewhere. */
const WORDS =
  /\b(is|not|and|or|like|ilike|in|between|contains|has|starts_?with|ends_?with|includes|matches|then|else|eq|ne|gt|lt|gte|lte)\b/i;

function bracketForm(path: string, name: string): string {
  const form = `${path.slice(0, -1)}["${name}"]`;
  return name.includes('-') ? `if it is one name: ${form}; else put spaces around -` : `write ${form}`;
}

/** Functions of other languages, by their names in lower case without underscores. */
const OTHER_FUNCTIONS: readonly (readonly [names: string, hint: string])[] = [
  ['len length count_of strlen cardinality', 'the length of a text or a list is size(x)'],
  ['lower lowercase tolower lcase', 'it is a method: text.lowerAscii()'],
  ['upper uppercase toupper ucase', 'it is a method: text.upperAscii()'],
  ['contains startswith endswith', 'it is a method: text.contains("…")'],
  ['regex regexp match regexmatch rlike', 'it is a method: text.matches("…")'],
  [
    'exists isset defined isnull isnotnull empty isempty notempty present ispresent exist',
    'has(event.properties.x) asks whether it is there; an empty text is ""',
  ],
  ['coalesce ifnull nvl default getordefault', 'write has(event.properties.x) ? event.properties.x : 0'],
  ['if iif ifelse cond', 'write condition ? this : that'],
  ['sum avg average mean median', 'a figure over events is the pattern `aggregate`'],
  ['max min', 'a figure over events is the pattern `aggregate`; of two values: a > b ? a : b'],
  [
    'abs round floor ceil ceiling sqrt pow power mod',
    'there is no such function: compare with bounds, as in x >= 1 && x < 2',
  ],
  [
    'now today currentdate currenttime currenttimestamp getdate sysdate date',
    '`now` is the time of the event, without parentheses; a moment is timestamp("2026-01-31T00:00:00Z")',
  ],
  ['range', 'write x >= 1 && x <= 5'],
  ['str tostring text tochar', 'text is made by string(x)'],
  [
    'number tonumber parseint parsefloat float todouble toint decimal',
    'numbers are made of text by int(x) and double(x)',
  ],
  ['boolean tobool', 'write x == true, or bool(x) of a text'],
  ['array list', 'a list is written [1, 2]'],
  ['datediff dayssince daysbetween age', 'write daysSince(timestamp), such as daysSince(profile.signedUpAt) > 7'],
  ['todate totimestamp parsedate datetime', 'write timestamp("2026-01-31T00:00:00Z")'],
  [
    'year month day dayofweek minute',
    'of a timestamp: .getFullYear(), .getMonth(), .getDate(); or hour(…), weekday(…)',
  ],
  ['concat concatenate join', 'texts are put together by +'],
  ['notin', 'write !(x in ["a", "b"])'],
  ['any some all every', 'it is a method with a name for the entry: list.exists(i, i.price > 5), list.all(i, …)'],
];

const OTHER_METHODS: readonly (readonly [names: string, hint: string])[] = [
  ['includes include has haskey in', 'a part of a text is text.contains("…"), an entry of a list is x in list'],
  ['length len count getlength', 'the length is size(x), or x.size()'],
  ['match test regex search regexp', 'write text.matches("…")'],
  ['startswith beginswith hasprefix', 'write text.startsWith("…")'],
  ['endswith hassuffix', 'write text.endsWith("…")'],
  ['tolowercase lower lowercase tolower downcase', 'write text.lowerAscii()'],
  ['touppercase upper uppercase toupper upcase', 'write text.upperAscii()'],
  ['some any find findindex', 'write list.exists(i, i.price > 5)'],
  ['every', 'write list.all(i, i.price > 5)'],
  [
    'sum avg average max min reduce',
    'a figure over events is the pattern `aggregate`; over a list of one event there is none',
  ],
  ['equals eq equalsignorecase compareto', 'equality is ==; of letters of any case a.lowerAscii() == b.lowerAscii()'],
  ['tostring', 'write string(x)'],
  ['toint tonumber tofloat', 'write int(x) or double(x)'],
  ['isempty empty isblank', 'write size(x) == 0, or x == ""'],
  ['substr slice', 'write text.substring(from, to)'],
  ['concat append', 'texts are put together by +'],
  ['getday gethours hour', 'write hour(x), weekday(x), or x.getDayOfWeek()'],
];

const OTHER_NAMES: Readonly<Record<string, string>> = {
  none: 'write null',
  nil: 'write null',
  null: 'write null, in small letters',
  undefined: 'write null; whether a property is there is has(event.properties.x)',
  true: 'write true, in small letters',
  false: 'write false, in small letters',
  yes: 'write true',
  no: 'write false',
  properties: 'write event.properties',
  context: 'write event.context',
  messageid: 'write event.messageId',
  userid: 'write event.userId',
  timestamp: 'write event.timestamp, or now',
  traits: 'attributes of the person are in profile: profile.plan; those of one message in event.traits',
  user: 'attributes of the person are in profile: profile.plan',
  person: 'attributes of the person are in profile: profile.plan',
  customer: 'attributes of the person are in profile: profile.plan',
  contact: 'attributes of the person are in profile: profile.plan',
  group: 'attributes of the group are in account: account.plan',
  company: 'attributes of the group are in account: account.plan',
  date: '`now` is the time of the event; a moment is timestamp("2026-01-31T00:00:00Z")',
  math: 'there are no such functions: compare with bounds, as in x >= 1 && x < 2',
};

const OTHER_FIELDS: Readonly<Record<string, string>> = {
  name: 'the name of an event is event.event',
  eventname: 'the name of an event is event.event',
  time: 'the time of an event is event.timestamp',
  at: 'the time of an event is event.timestamp',
  ts: 'the time of an event is event.timestamp',
  date: 'the time of an event is event.timestamp',
  createdat: 'the time of an event is event.timestamp',
  id: 'the id of an event is event.messageId',
  user: 'the person is event.userId; attributes are in profile',
  email: 'attributes of the person are in profile: profile.email',
  props: 'write event.properties',
  data: 'write event.properties',
};

/** By the name that is not known. */
function wordHint(message: string): string | null {
  const plain = (name: string): string => name.toLowerCase().replaceAll('_', '');
  const among = (table: typeof OTHER_FUNCTIONS, name: string): string | null =>
    table.find(([names]) => names.split(' ').includes(plain(name)))?.[1] ?? null;
  const own = (table: Readonly<Record<string, string>>, name: string): string | null =>
    Object.hasOwn(table, plain(name)) ? table[plain(name)]! : null;
  const [, called] = /^unknown function (\w+)\(\)/.exec(message) ?? [];
  if (called !== undefined) return among(OTHER_FUNCTIONS, called);
  const [, method] = /^there is no (\w+)\(/.exec(message) ?? [];
  if (method !== undefined) return among(OTHER_METHODS, method);
  const [, name] = /^unknown name "(\w+)"/.exec(message) ?? [];
  if (name !== undefined) return own(OTHER_NAMES, name);
  const [, field] = /^an event has no field "(\w+)"/.exec(message) ?? [];
  return field === undefined ? null : own(OTHER_FIELDS, field);
}

/** Of the message alone. */
const BY_MESSAGE: readonly (readonly [message: RegExp, hint: string])[] = [
  [/^invalid escape sequence/, 'double the \\, or write the text as r"…"'],
  [/^unterminated string/, 'its closing quote is missing, or a quote in it is of the same kind'],
  [
    /^has\(\) (invalid argument|does not)/,
    'write has(event.properties.x); of a name with other characters: "x" in event.properties',
  ],
  [/^cannot index type 'string'/, 'a text has no fields: its length is size(x)'],
  [/^(bool and \w+|\w+ and bool) cannot be put together by [<>]/, 'one comparison at a time: 1 < x && x < 5'],
  [/^timestamp and string|^string and timestamp/, 'write timestamp("2026-01-31T00:00:00Z")'],
  [/^timestamp and (int|double)|^(int|double) and timestamp/, 'a moment less a time is now - duration("24h")'],
  [
    /^string and string cannot be put together by in/,
    'a part of a text is text.contains("…"); of a list: x in ["a", "b"]',
  ],
  [
    /^(string and (int|double)|(int|double) and string) cannot be put together by \+/,
    'text is made of a number by string(x)',
  ],
  [
    /^(string and (int|double)|(int|double) and string) cannot be put together by [<>=!]/,
    'numbers are made of text by int(x) and double(x)',
  ],
  [/^reserved identifier: (let|var|const)/, 'an expression has no variables of its own'],
  [/^reserved identifier: if/, 'write condition ? this : that'],
];

/** By what stands in the expression; the first that is there counts. */
const HABITS: readonly (readonly [text: RegExp, hint: string])[] = [
  [/=>/, 'a method over a list takes a name for the entry: list.exists(i, i.price > 5)'],
  [/=~|!~|~/, 'a regular expression is text.matches("…")'],
  [/<>/, 'unequal is !='],
  [/\?\?|\?:/, 'write has(event.properties.x) ? event.properties.x : 0'],
  [/\?\./, 'has(event.properties.x) asks whether it is there'],
  [/\{\{|\}\}|\$\{/, 'an expression is no template: leave out the {{ }} around it'],
  [/^\s*(if)\b|\b(then|else)\b/, 'write condition ? this : that'],
  [/^\s*(select|where)\b/i, 'this is no SQL: write the condition alone'],
  [
    /\bis\s+(not\s+)?(null|none|empty|undefined|true|false)\b/i,
    'write == null or != null; has(event.properties.x) asks whether it is there',
  ],
  [/\bnot\s+in\b/i, 'write !(x in ["a", "b"])'],
  [/\bnot\s+(like|null|contains)\b/i, 'write ! before the whole condition: !(…)'],
  [/\bi?like\b/i, 'write text.contains("…"), .startsWith("…"), .endsWith("…") or .matches("…")'],
  [/\bbetween\b/i, 'write x >= 1 && x <= 5'],
  [/\bIN\b|\bin\s*\(/, 'write in, with the list in []: x in ["a", "b"]'],
  [/[\s.](contains|includes|starts?_?with|ends?_?with|has|matches)\s+["'\w]/i, 'it is a method: text.contains("…")'],
  [/\s(eq|ne|gt|gte|lt|lte|equals)\s/i, 'write ==, !=, >, >=, < or <='],
  [/\bnew\s+Date\b|\bDate\.now\b/, '`now` is the time of the event'],
  [/(?<![\w.])\d+(\.\d+)?\s*(ms|s|m|h|d|w|y|sec|min|mins|hours?|days?|weeks?|months?|years?)\b/, 'DURATION'],
  [/\d[,_]\d{3}\b/, 'numbers have no separators: 1000'],
  [/[$€£¥]\s*\d|\d\s*[€£¥$]/, 'an amount is the number alone, without its currency'],
  [/\d\s*%\s*($|[)&|?:])/, 'a share is a number: 10% is 0.1'],
  [/\b(and|or|AND|OR)\b/, 'write && for and, || for or'],
  [/\b(not|NOT)\b/, 'write ! for not'],
  [/[“”„‘’«»]/, 'texts stand in straight quotes: "…"'],
  [/'\w*'\w+/, 'a text with \' in it stands in double quotes: "it\'s"'],
  [/(^|[(,=~\s])\/[^/\s]+\//, 'a regular expression is a text: text.matches("…")'],
  [/\[\s*\d+\s*\.\./, 'write x >= 1 && x <= 5'],
  [/\d\.(?!\d)|(?<![\w\])])\.\d/, 'a number has digits before and after its point: 0.5'],
  [/\*\*|\^/, 'there is no power: write x * x'],
  [/\.\./, 'there is one point too many'],
  [/^\s*\./, 'a path begins with a name: event.properties.x'],
  [/(&&|\|\|)\s*(&&|\|\|)/, 'something is missing between the two operators'],
  [/\b0[xXbBoO]|\b\d+[eE](?![-+\d])/, 'numbers are written in decimal: 255, 0.5, 1e6'],
  [/\+\+|--|(?<![=!<>])[-+*/]=(?!=)/, 'an expression compares and computes: it changes nothing'],
  [/(?<!&)&(?!&)/, 'and is &&'],
  [/(?<!\|)\|(?!\|)/, 'or is ||'],
  [/;\s*$|;/, 'an expression is one condition, without ;'],
  [/#/, 'a comment begins with //'],
  [/\b[fF]["']/, 'texts are put together by +: "a" + b'],
  [/["']\s+["']/, 'something is missing between the texts, such as == or +'],
];

function habitHint(message: string, text: string, offset: number): string | null {
  const found = BY_MESSAGE.find(([pattern]) => pattern.test(message));
  if (found !== undefined) return found[1];
  if (/^! cannot be applied/.test(message) && /\bin\b/.test(text)) return '! binds closer than in: write !(x in list)';
  if (!/^(unexpected|expected|reserved|invalid)/.test(message)) return null;
  const habit = HABITS.find(([pattern]) => pattern.test(text));
  if (habit !== undefined) return habit[1] === 'DURATION' ? durationHint(text, offset) : habit[1];
  if (/^unexpected character: '?\)/.test(message)) return 'there is one ) too many';
  return /^unexpected character: '?[\w"']/.test(message) ? 'an operator is missing before it, such as && or ==' : null;
}

/** A duration that lacks its quotes, as an argument or by itself. */
function durationHint(text: string, offset: number): string {
  const [, called = ''] = /(\w+)\([^()]*$/.exec(text.slice(0, offset)) ?? [];
  if (Object.hasOwn(FUNCTIONS, called) && FUNCTIONS[called]!.includes('duration')) {
    return `the duration stands in quotes: ${FUNCTIONS[called]!.replace(/^.*such as /, '')}`;
  }
  return 'a duration is duration("24h"), in quotes; of days: daysSince(profile.signedUpAt) > 7';
}
