// Runs inside the browser: readers and a trace for their calls, for the test beside it, which bundles it and the thread.

import { newTrace } from "../../src/api/trace";
import { ThreadReader } from "../../src/reading/reader";

/** A reader whose thread runs this script. `missing`: the first one runs a script that is not there. */
function readerWith(script: string, missing = false): ThreadReader {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  let threads = 0;
  return new ThreadReader(() => {
    threads += 1;
    return new Worker(missing && threads === 1 ? "/missing.js" : url, { type: "module" });
  });
}

declare global {
  interface Window {
    readerWith: typeof readerWith;
    traceparent: string;
  }
}

window.readerWith = readerWith;
window.traceparent = newTrace().traceparent;
