// What the README and a person at a terminal do, against the whole local stack: `buf curl`, and the TypeScript snippet.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { startStack, type Stack } from "./stack";

const run = promisify(execFile);

let stack: Stack;
before(async () => {
  stack = await startStack(1);
});
after(() => stack.stop());

// buf asks the gateway's reflection for the schema, in its version v1; grpcurl, which the Python tests run, knows v1alpha.
test("buf curl finds the service by reflection and gets the answer of the README", async () => {
  const url = new URL("compute.v1.ComputeService/Compute", stack.page).href;
  const data = JSON.stringify({ values: [4, 5, 2, 35, 2452] });
  const flags = ["curl", "--http2-prior-knowledge", "--protocol", "grpc", "--reflect-protocol", "grpc-v1"];
  const { stdout } = await run("node_modules/.bin/buf", [...flags, "--data", data, url]);
  const { statistics } = JSON.parse(stdout) as { statistics: Record<string, unknown> };
  assert.equal(statistics["median"], 5);
  assert.equal(statistics["mean"], 499.6);
  assert.equal(statistics["max"], "2452");
});

test("the TypeScript snippet of the README runs in Node", async () => {
  const readme = await readFile("../README.md", "utf8");
  const snippet = /^```ts\n(.*?)^```$/ms.exec(readme)?.[1];
  assert.ok(snippet !== undefined, "the README has a snippet");
  // Beside the page's sources, where the generated code is.
  const folder = await mkdtemp(join("src", "readme-"));
  try {
    const source = join(folder, "snippet.ts");
    const here = snippet.replace("http://127.0.0.1:8080", stack.page).replace("./gen/", "../../gen/");
    await writeFile(source, here);
    const bundle = join(folder, "snippet.mjs");
    await build({ entryPoints: [source], outfile: bundle, bundle: true, platform: "node", format: "esm" });
    const { stdout } = await run(process.execPath, [bundle]);
    assert.match(stdout, /^5 499\.6 [0-9a-f-]{36}\n$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
