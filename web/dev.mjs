// Serves dist/ as the gateway does, and hands calls on to a gateway that runs: `node dev.mjs http://127.0.0.1:8080`.
// So a change of the page is seen without building the gateway again.

import { createServer, request } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

// Keep in step with gateway/src/page.rs.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Starts the server on a port that the system picks, or on `port`. Gives its address and how to stop it. */
export async function serve(gateway, port = 0) {
  const server = createServer((asked, answer) => {
    if (asked.method === "GET" || asked.method === "HEAD") {
      void file(asked.url ?? "/", answer);
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

async function file(url, answer) {
  const path = normalize(new URL(url, "http://page").pathname);
  const name = path === "/" ? "index.html" : path;
  try {
    const content = await readFile(join(import.meta.dirname, "dist", name));
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    answer.writeHead(200, { "content-type": type, "content-security-policy": POLICY, "cache-control": "no-cache" });
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

if (process.argv[1] === import.meta.filename) {
  const { address } = await serve(process.argv[2] ?? "http://127.0.0.1:8080", Number(process.env.PORT ?? 0));
  console.log(address);
}
