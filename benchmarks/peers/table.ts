// Tables in Markdown, and the medians that stand in them.

export interface Column<Row> {
  readonly head: string;
  /** Numbers stand to the right. */
  readonly isNumber?: boolean;
  readonly of: (row: Row) => string;
}

/** Lines of a table. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  return [
    lineOf(columns.map(({ head }) => head)),
    lineOf(columns.map(({ isNumber }) => (isNumber === true ? '---:' : '---'))),
    ...rows.map((row) => lineOf(columns.map((column) => column.of(row)))),
  ];
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of what is told of them; a dash where nothing is. */
export function medianText<Run>(runs: readonly Run[], of: (run: Run) => number | null, digits = 0): string {
  const values = runs.flatMap((run) => of(run) ?? []);
  return values.length === 0 ? '–' : numberText(median(values), digits);
}

export function numberText(value: number, digits = 0): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
