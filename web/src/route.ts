// Which view of the page its address names. Everything is behind the `#`: the gateway serves one page.

import { signal } from "@preact/signals";

export type Route =
  | { readonly view: "compute" }
  | { readonly view: "history" }
  | { readonly view: "operation"; readonly id: string }
  | { readonly view: "unknown" };

/** The view that the address names. */
export const route = signal<Route>(read());

window.addEventListener("hashchange", () => {
  // A view starts at its top; one that was left further down, and is come back to, may scroll there once it is drawn.
  window.scrollTo(0, 0);
  route.value = read();
});

/** The address of a view, for a link. */
export function href(route: Exclude<Route, { view: "unknown" }>): string {
  switch (route.view) {
    case "compute":
      return "#/";
    case "history":
      return "#/operations";
    case "operation":
      return `#/operations/${route.id}`;
  }
}

/** Goes to a view, as a link would. */
export function go(to: Exclude<Route, { view: "unknown" }>): void {
  window.location.hash = href(to);
}

function read(): Route {
  const path = window.location.hash.replace(/^#\/?/, "").replace(/\/$/, "");
  if (path === "") {
    return { view: "compute" };
  }
  if (path === "operations") {
    return { view: "history" };
  }
  const [, id] = /^operations\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(path) ?? [];
  return id === undefined ? { view: "unknown" } : { view: "operation", id: id.toLowerCase() };
}
