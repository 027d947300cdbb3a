// How much room things take, in pixels.

import { useSignal, type ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The width of an element, as it is now and as it changes; 0 before it is laid out. */
export function useWidth<E extends Element>(): [ref: RefObject<E | null>, width: ReadonlySignal<number>] {
  const ref = useRef<E>(null);
  const width = useSignal(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) {
      return undefined;
    }
    const read = () => (width.value = Math.floor(element.getBoundingClientRect().width));
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** The size of a chart's texts, as the style sheet has it. */
export const TEXT_PX = 12;

const context = document.createElement("canvas").getContext("2d");

/** How wide a text of a chart is. */
export function textWidth(text: string): number {
  if (context === null) {
    return text.length * TEXT_PX * 0.65;
  }
  context.font = `600 ${TEXT_PX}px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(context.measureText(text).width);
}
