// Underlines pieces of the text in a text field, which itself cannot: the same text, transparent, lies behind it, and the
// pieces are marked there.

import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Problem } from "../reading/messages";

/** A longer text is not laid out a second time. */
export const MAX_MIRRORED = 100_000;

// How much of the text after the last marked piece is laid out, too: as far as the line might break elsewhere without it.
const BEHIND = 1_000;

interface Props {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  /** In the order of the text. */
  readonly problems: readonly Problem[];
}

export function Mirror({ field, text, problems }: Props) {
  const content = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const follow = () => {
      if (field.current !== null && content.current !== null) {
        content.current.style.transform = `translateY(${-field.current.scrollTop}px)`;
        // Without the scroll bar that the field may have.
        content.current.style.width = `${field.current.clientWidth}px`;
      }
    };
    follow();
    const followed = field.current;
    followed?.addEventListener("scroll", follow);
    // Sees that the field was resized, and that it got a scroll bar.
    const observer = new ResizeObserver(follow);
    if (followed !== null) {
      observer.observe(followed);
    }
    return () => {
      followed?.removeEventListener("scroll", follow);
      observer.disconnect();
    };
  }, []);
  return (
    <div class="mirror" aria-hidden="true">
      <div class="mirror-content" ref={content}>
        {marked(text, problems)}
      </div>
    </div>
  );
}

function marked(text: string, problems: readonly Problem[]) {
  if (problems.length === 0) {
    return null;
  }
  let at = 0;
  const pieces = problems.map(({ offset, length }) => {
    const before = text.slice(at, offset);
    at = offset + length;
    return (
      <>
        {before}
        <mark>{text.slice(offset, at)}</mark>
      </>
    );
  });
  const [behind] = /^\S*/.exec(text.slice(at, at + BEHIND)) ?? [""];
  return [...pieces, behind];
}
