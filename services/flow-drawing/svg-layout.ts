// Where the boxes and arrows of a flow go: rows from top to bottom, one column for each way that lies beside another.
//
// Owns: columns, rows and the way of each arrow, in units of columns and rows. Does not own: sizes and text (svg.ts).
//
// A program is lists of steps inside of lists of steps. Each list is a column, those inside of a step stand side by side below
// it, and a way straight on has a column of its own beside them, so that no arrow crosses a box.

import { END } from '../../rules/flows/step.ts';
import type { FlowArrow, FlowBox, FlowGraph } from './flow-graph.ts';

export interface Place {
  /** Middle, in columns. */
  readonly x: number;
  /** 0 is the row of the start. */
  readonly row: number;
}

export interface PlacedArrow extends FlowArrow {
  /** Null: the start. */
  readonly from: number | null;
  /** The column in which it goes down, before it turns to where it leads. */
  readonly x: number;
}

export interface Layout {
  readonly columns: number;
  readonly rows: number;
  readonly start: Place;
  /** Where the flow is completed; null: nothing leads there. */
  readonly end: Place | null;
  /** By number of the step. */
  readonly places: readonly Place[];
  readonly arrows: readonly PlacedArrow[];
}

export function layoutOf({ boxes }: FlowGraph): Layout {
  const rows = rowsOf(boxes);
  const xs: number[] = [];
  const arrows: PlacedArrow[] = [];
  const first = boxes.length === 0 ? END : 0;

  /** Places the list that begins with `step` and ends before `stop`, in columns from `left` on, centred in `width` of them. */
  const place = (step: number, stop: number, left: number, width: number): void => {
    const middle = left + width / 2;
    for (let number = step; number !== stop && number !== END; number = boxes[number]!.next) {
      const box = boxes[number]!;
      xs[number] = middle;
      if (box.arrows.length === 1) {
        arrows.push({ ...box.arrows[0]!, from: number, x: middle });
        continue;
      }
      const widths = box.arrows.map((arrow) => widthOfArrow(boxes, box, arrow));
      let at = middle - sum(widths) / 2;
      for (const [index, arrow] of box.arrows.entries()) {
        const own = widths[index]!;
        arrows.push({ ...arrow, from: number, x: at + own / 2 });
        if (arrow.to !== box.next) place(arrow.to, box.next, at, own);
        at += own;
      }
    }
  };

  const columns = Math.max(1, widthOf(boxes, first, END));
  const start = { x: columns / 2, row: 0 };
  arrows.push({ from: null, to: first, word: null, x: start.x });
  place(first, END, 0, columns);
  const last = Math.max(0, ...rows);
  const isCompleted = arrows.some(({ to }) => to === END);
  return {
    columns,
    rows: last + (isCompleted ? 2 : 1),
    start,
    end: isCompleted ? { x: start.x, row: last + 1 } : null,
    places: boxes.map(({ number }) => ({ x: xs[number] ?? start.x, row: rows[number]! })),
    arrows,
  };
}

/** Each step stands below all that lead to it. */
function rowsOf(boxes: readonly FlowBox[]): readonly number[] {
  const rows = boxes.map(() => 1);
  for (const { number, arrows, next } of boxes) {
    // Also below one that ends the flow: what follows it is of the same list.
    for (const to of [next, ...arrows.map((arrow) => arrow.to)]) {
      if (to !== END) rows[to] = Math.max(rows[to]!, rows[number]! + 1);
    }
  }
  return rows;
}

/** Of a list: that of its widest step. */
function widthOf(boxes: readonly FlowBox[], step: number, stop: number): number {
  let width = 1;
  for (let number = step; number !== stop && number !== END; number = boxes[number]!.next) {
    const box = boxes[number]!;
    if (box.arrows.length < 2) continue;
    width = Math.max(width, sum(box.arrows.map((arrow) => widthOfArrow(boxes, box, arrow))));
  }
  return width;
}

function widthOfArrow(boxes: readonly FlowBox[], { next }: FlowBox, { to }: FlowArrow): number {
  return to === next ? 1 : widthOf(boxes, to, next);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
