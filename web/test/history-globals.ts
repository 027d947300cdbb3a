// What the history finds when the page is loaded again. To be imported before it.

import "./browser-globals";

// What an earlier load of the page left: a call under way, a late one, and something that is none.
sessionStorage.setItem(
  "compute.own",
  JSON.stringify([
    { key: "b", startedAt: 2_000, count: 5, state: "computing" },
    { key: "a", operationId: "id-a", startedAt: 1_000, count: 4, state: "late" },
    { key: "x", startedAt: "yesterday", count: 4, state: "late" },
    null,
  ]),
);
