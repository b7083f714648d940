// The library's syntax tree, as far as it is used here.

/** A node; `args` depends on `op`. */
export interface AstNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly pos: number;
  readonly end: number;
  setMeta(name: string, value: unknown): AstNode;
}

export function literalText(node: AstNode | undefined): string | null {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : null;
}

export function childrenOf(value: unknown): AstNode[] {
  if (Array.isArray(value)) return value.flatMap(childrenOf);
  return typeof value === 'object' && value !== null && 'op' in value ? [value as AstNode] : [];
}

/** The variable at the root of `a.b["c"]`; null when the root is something else. */
export function rootOf(node: AstNode): AstNode | null {
  let step = node;
  while (step.op === '.' || step.op === '[]') step = (step.args as AstNode[])[0]!;
  return step.op === 'id' ? step : null;
}

/** The name in `a.name` or `a["name"]`; null when it is computed. */
export function fieldOf(step: AstNode): string | null {
  const right = (step.args as [AstNode, AstNode | string])[1];
  return typeof right === 'string' ? right : literalText(right);
}

export function usesVariable(node: AstNode, name: string): boolean {
  return node.op === 'id' ? node.args === name : childrenOf(node.args).some((child) => usesVariable(child, name));
}
