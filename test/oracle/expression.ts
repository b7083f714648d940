// The few CEL forms that test rules use, evaluated without the engine's CEL library so that the oracle can disagree.
//
// Owns: paths, elements and size() of lists, literals, == != < <= > >=, && || ! and parentheses, calls of functions that are
// among the names. Does not own: the functions, arithmetic, lists.
//
// Invariants:
//   X1. A missing property is an error, and an error makes the condition false (docs/rules.md: "A missing property is an
//       error that makes the condition false").
//   X2. As in CEL, `&&` and `||` absorb an error on one side when the other side alone decides.

/** What an expression may name: `event` and captures, each a plain object. */
export type Names = Readonly<Record<string, unknown>>;
type Compiled = (names: Names) => unknown;

/** An expression met a missing property or values that cannot be compared. */
export class EvaluationError extends Error {}

/** True when the expression is true; false when it is false or fails (X1). */
export function holds(source: string, names: Names): boolean {
  try {
    return evaluate(source, names) === true;
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

/** Throws EvaluationError when it fails on these values, SyntaxError when it is not one of the forms owned here. */
export function evaluate(source: string, names: Names): unknown {
  let compiled = compiledBySource.get(source);
  if (compiled === undefined) {
    const tokens = tokenize(source);
    compiled = parseOr(tokens);
    if (tokens.length > 0) throw new SyntaxError(`unexpected ${tokens[0]} in ${source}`);
    compiledBySource.set(source, compiled);
  }
  return compiled(names);
}

const compiledBySource = new Map<string, Compiled>();

function tokenize(source: string): string[] {
  const pattern =
    /\s*("[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*|\[\d+\])*|&&|\|\||[=!<>]=|[<>!(),])/gy;
  const tokens: string[] = [];
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    tokens.push(match[1]!);
    end = match.index + match[0].length;
  }
  if (source.slice(end).trim() !== '') throw new SyntaxError(`the oracle cannot read: ${source}`);
  return tokens;
}

function parseOr(tokens: string[]): Compiled {
  let left = parseAnd(tokens);
  while (tokens[0] === '||') {
    tokens.shift();
    left = junction(left, parseAnd(tokens), true);
  }
  return left;
}

function parseAnd(tokens: string[]): Compiled {
  let left = parseComparison(tokens);
  while (tokens[0] === '&&') {
    tokens.shift();
    left = junction(left, parseComparison(tokens), false);
  }
  return left;
}

function parseComparison(tokens: string[]): Compiled {
  const left = parseOperand(tokens);
  const operator = tokens[0];
  if (operator === undefined || !/^([=!<>]=|[<>])$/.test(operator)) return left;
  tokens.shift();
  const right = parseOperand(tokens);
  return (names) => compare(operator, left(names), right(names));
}

function parseOperand(tokens: string[]): Compiled {
  const token = tokens.shift();
  if (token === undefined) throw new SyntaxError('an expression ends too soon');
  if (token === '!') {
    const inner = parseOperand(tokens);
    return (names) => !truth(inner(names));
  }
  if (token === '(') {
    const inner = parseOr(tokens);
    if (tokens.shift() !== ')') throw new SyntaxError('a parenthesis is not closed');
    return inner;
  }
  if (/^["']/.test(token)) return () => token.slice(1, -1);
  if (/^-?\d/.test(token)) return () => Number(token);
  if (token === 'size' && tokens[0] === '(') {
    const list = parseOperand(tokens);
    return (names) => lengthOf(list(names));
  }
  if (/^[A-Za-z_]/.test(token) && tokens[0] === '(') return parseCall(token, tokens);
  if (token === 'true' || token === 'false') return () => token === 'true';
  if (token === 'null') return () => null;
  if (!/^[A-Za-z_]/.test(token)) throw new SyntaxError(`unexpected ${token}`);
  const path = token.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  return (names) => path.reduce(member, names);
}

/** A call of a function that is a name: the open parenthesis is the next token. */
function parseCall(name: string, tokens: string[]): Compiled {
  const given: Compiled[] = [];
  tokens.shift();
  while (tokens[0] !== ')') {
    given.push(parseOr(tokens));
    if (tokens[0] === ',') tokens.shift();
    else if (tokens[0] !== ')') throw new SyntaxError('a list of arguments is not closed');
  }
  tokens.shift();
  return (names) => {
    const called = names[name];
    if (typeof called !== 'function') throw new SyntaxError(`the oracle does not know the function ${name}`);
    return called(...given.map((one) => one(names)));
  };
}

function lengthOf(value: unknown): number {
  if (!Array.isArray(value)) throw new EvaluationError('not a list');
  return value.length;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
    throw new EvaluationError(`no ${name}`);
  }
  return (value as Names)[name];
}

/** `||` when `decisive` is true, `&&` when it is false (X2). */
function junction(left: Compiled, right: Compiled, decisive: boolean): Compiled {
  return (names) => {
    try {
      if (truth(left(names)) === decisive) return decisive;
    } catch (error) {
      if (error instanceof EvaluationError && truth(right(names)) === decisive) return decisive;
      throw error;
    }
    return truth(right(names));
  };
}

function truth(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new EvaluationError('not a boolean');
  return value;
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  const comparable = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string');
  if (!comparable) throw new EvaluationError('cannot be ordered');
  const [a, b] = [left as number, right as number];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}
