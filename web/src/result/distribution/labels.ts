// Places labels over the marks of a chart. Each is a flag on a line that stands on its mark; no label lies on another, and no
// line crosses one.

/** A label that wants a place: where its line stands and how wide its text is, in pixels. */
export interface Wanted {
  readonly x: number;
  readonly width: number;
}

/** A label's place. Row 0 is the one next to the marks. */
export interface Placed {
  readonly row: number;
  /** Where the text starts. */
  readonly start: number;
}

/** Between a label's line and its text, and between two texts in a row. */
const GAP_PX = 5;

/** Between a text and the line of another label. */
const CLEAR_PX = 3;

/**
 * Places labels, given in the order of `x`, within a width, in as few rows as there can be. Undefined if they do not fit.
 *
 * There are few of them, so each way to hang the flags to the left or the right is tried.
 */
export function placeLabels(wanted: readonly Wanted[], width: number): readonly Placed[] | undefined {
  let best: readonly Placed[] | undefined;
  for (let sides = 0; sides < 2 ** wanted.length; sides += 1) {
    const spans = wanted.map((label, i) => span(label, (sides & (1 << i)) === 0));
    if (spans.some(({ start, end }) => start < 0 || end > width)) {
      continue;
    }
    const rows = rowsFor(spans);
    if (rows !== undefined && (best === undefined || height(rows) < height(best.map(({ row }) => row)))) {
      best = rows.map((row, i) => ({ row, start: spans[i]?.start ?? 0 }));
    }
  }
  return best;
}

interface Span {
  readonly x: number;
  readonly start: number;
  readonly end: number;
}

function span({ x, width }: Wanted, isRight: boolean): Span {
  return isRight
    ? { x, start: x + GAP_PX, end: x + GAP_PX + width }
    : { x, start: x - GAP_PX - width, end: x - GAP_PX };
}

// The rows are raised until each label is above the lines it would cut and above the labels it would lie on. Two that would
// cut each other's lines rise for ever: then there is no way.
function rowsFor(spans: readonly Span[]): readonly number[] | undefined {
  const rows = spans.map(() => 0);
  for (let changed = true; changed;) {
    changed = false;
    spans.forEach((mine, i) => {
      spans.forEach((other, j) => {
        const cuts = mine.start - CLEAR_PX <= other.x && other.x <= mine.end + CLEAR_PX;
        const overlaps = rows[i] === rows[j] && mine.start < other.end + GAP_PX && other.start < mine.end + GAP_PX;
        const least = (rows[j] ?? 0) + 1;
        if (i !== j && (cuts || (overlaps && i < j)) && (rows[i] ?? 0) < least) {
          rows[i] = least;
          changed = true;
        }
      });
    });
    if (Math.max(...rows) >= spans.length) {
      return undefined;
    }
  }
  return rows;
}

function height(rows: readonly number[]): number {
  // One row less counts more than labels that are nearer to their marks.
  return Math.max(...rows) * 100 + rows.reduce((sum, row) => sum + row, 0);
}
