// The labels of the marks: what they say, and where they stand.

import { brief, type Brief } from "./axis";
import { placeLabels, type Placed, type Wanted } from "./labels";
import { textWidth } from "./measure";
import type { Mark, MarkName, Shape } from "./shape";

/** The height of a row of labels, in pixels. */
export const ROW_PX = 18;

/** A label of one mark, or of several with the same value. */
export interface MarkLabel {
  readonly x: number;
  readonly name: string;
  readonly value: string;
  readonly row: number;
  readonly start: number;
}

export interface MarkLabels {
  readonly rows: number;
  readonly labels: readonly MarkLabel[];
}

interface Names {
  readonly marks: Readonly<Record<MarkName, string>>;
  readonly all: string;
}

/** Labels with names and values; with names alone where there is no room; none where there is not even that. */
export function labelMarks(shape: Shape, width: number, locale: string, names: Names): MarkLabels {
  const groups = sameValues(shape.marks);
  const write = shape.isTooFine ? exactly(locale) : briefly(shape, locale);
  for (const withValues of [true, false]) {
    const texts = groups.map((group) => textOf(group, names, write, withValues));
    const wanted: Wanted[] = texts.map(({ x, name, value }) => ({
      x: x * width,
      width: textWidth(value === "" ? name : `${name} ${value}`),
    }));
    const placed: readonly Placed[] | undefined = placeLabels(wanted, width);
    if (placed !== undefined) {
      const labels = texts.map((text, i) => ({ ...text, x: text.x * width, row: 0, start: 0, ...placed[i] }));
      return { rows: Math.max(...labels.map(({ row }) => row)) + 1, labels };
    }
  }
  return { rows: 0, labels: [] };
}

// `==` compares an integer and a double by their values.
function sameValues(marks: readonly Mark[]): readonly (readonly Mark[])[] {
  const groups: Mark[][] = [];
  for (const mark of marks) {
    const group = groups.find(([first]) => first?.value == mark.value);
    if (group === undefined) {
      groups.push([mark]);
    } else {
      group.push(mark);
    }
  }
  return groups;
}

function textOf(group: readonly Mark[], names: Names, write: Brief, withValues: boolean) {
  const [first] = group;
  const all = group.some(({ name }) => name === "min") && group.some(({ name }) => name === "max");
  return {
    x: first?.at ?? 0,
    name: all ? names.all : group.map(({ name }) => names.marks[name]).join(", "),
    value: withValues && first !== undefined ? write(first.value) : "",
  };
}

// As many digits as tell a ten-thousandth of the axis.
function briefly({ low, high }: Shape, locale: string): Brief {
  return brief(locale, Math.max(Math.abs(low), Math.abs(high)), (high - low) / 10_000);
}

function exactly(locale: string): Brief {
  const whole = new Intl.NumberFormat(locale);
  return (value) => whole.format(value);
}
