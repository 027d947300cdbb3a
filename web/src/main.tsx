// Starts the page.

import { render } from "preact";
import { reader } from "./reading/reader";
import { App } from "./shell/App";
import { describeDocument } from "./shell/title";

const root = document.getElementById("app");
if (root === null) {
  throw new Error("index.html has no #app");
}
describeDocument();
// What was there for the first paint has done its work.
root.replaceChildren();
render(<App />, root);
reader.start();
