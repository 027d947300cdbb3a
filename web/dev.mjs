// Serves the page in front of a gateway that runs, and hands calls on to it: `npm run dev -- http://127.0.0.1:8080`. A change of
// the sources is built at once; so it is seen without building the gateway again. `PORT` is the port, else the system's choice.

import { createServer, request } from "node:http";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, normalize, resolve } from "node:path";
import { bundle, generate } from "./bundle.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** What the gateway sends with its own page and belongs to a file, or to a connection, and not to every file alike. */
const OF_ONE_FILE =
  /^(?:accept-ranges|cache-control|connection|content-.*(?<!policy)|date|etag|keep-alive|transfer-encoding|vary)$/;

/** Starts the server on a port that the system picks, or on `port`. Gives its address and how to stop it. */
export async function serve(gateway, port = 0, folder = join(import.meta.dirname, "dist")) {
  // The page is to live under the policies it will live under.
  const { headers } = await fetch(gateway, { method: "HEAD" });
  const policies = Object.fromEntries([...headers].filter(([name]) => !OF_ONE_FILE.test(name)));
  const server = createServer((asked, answer) => {
    if (asked.method === "GET" || asked.method === "HEAD") {
      void file(folder, policies, asked.url ?? "/", answer);
    } else {
      pass(gateway, asked, answer);
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    stop: () => server.closeAllConnections() ?? server.close(),
  };
}

async function file(folder, policies, url, answer) {
  const path = normalize(new URL(url, "http://page").pathname);
  const name = path === "/" ? "index.html" : path;
  try {
    const content = await readFile(join(folder, name));
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    answer.writeHead(200, { ...policies, "content-type": type, "cache-control": "no-cache" });
    answer.end(content);
  } catch {
    answer.writeHead(404).end();
  }
}

function pass(gateway, asked, answer) {
  const { method, headers } = asked;
  const passed = request(new URL(asked.url, gateway), { method, headers: { ...headers, host: new URL(gateway).host } });
  passed.on("response", (response) => {
    answer.writeHead(response.statusCode, response.headers);
    response.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
}

/** Builds into `folder` now, and again whenever the sources have changed and are quiet for a moment. */
async function watchSources(folder) {
  const rebuild = () => bundle(folder, { minify: false }).catch(() => {}); // esbuild has printed what is wrong
  let last = rebuild();
  let timer;
  for (const sources of ["src", "public"]) {
    watch(join(import.meta.dirname, sources), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => (last = last.then(rebuild)), 50);
    });
  }
  await last;
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(import.meta.dirname, "build/dev");
  generate();
  const { address } = await serve(process.argv[2] ?? "http://127.0.0.1:8080", Number(process.env.PORT ?? 0), folder);
  await watchSources(folder);
  console.log(address);
}
