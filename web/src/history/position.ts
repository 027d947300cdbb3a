// Where in the history somebody was who looks at one of its operations.

/** A row, and how far below the upper edge of the window it was. */
interface Place {
  readonly id: string;
  readonly top: number;
}

let left: Place | undefined;

/** Notes that the history is left for the operation of this link. */
export function leaveFor(id: string, link: Element): void {
  left = { id, top: link.getBoundingClientRect().top };
}

/**
 * Has whoever comes back from an operation find its row where it was, and the focus on it; everybody else starts at the top.
 * To be called when the rows are there. Tells whether somebody came back.
 */
export function comeBack(): boolean {
  const place = left;
  left = undefined;
  if (place === undefined) {
    toTop();
    return false;
  }
  moveTo(place);
  // Rows that come into sight turn out higher or lower than was assumed, and whatever else follows the change of view has
  // happened two frames later.
  requestAnimationFrame(() => requestAnimationFrame(() => moveTo(place)?.focus({ preventScroll: true })));
  return true;
}

/** Shows the newest operations. */
export function toTop(): void {
  window.scrollTo({ top: 0, behavior: "instant" });
}

function moveTo({ id, top }: Place): HTMLElement | undefined {
  const link = document.querySelector<HTMLElement>(`#history [data-operation="${id}"] a`) ?? undefined;
  if (link !== undefined) {
    window.scrollBy({ top: link.getBoundingClientRect().top - top, behavior: "instant" });
  }
  return link;
}
