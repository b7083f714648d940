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
