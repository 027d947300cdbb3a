// A proxy between the browser and the page's gateway, for what only a proxy can do: ask for a token, answer in the gateway's
// place, be away.

import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a proxy does with a call; files of the page are handed on always. */
export type Handle = (asked: IncomingMessage, answer: ServerResponse, handOn: () => void) => void;

/** A running proxy. */
export interface Proxy {
  /** The address of the page behind it. */
  readonly page: string;
  /** Cuts all connections, and takes no more. */
  stop(): Promise<void>;
}

/** Starts a proxy on `port`, else on one that the system picks. `files` is where the page comes from, if not from the gateway. */
export async function startProxy(gateway: string, handle: Handle, files = gateway, port = 0): Promise<Proxy> {
  const server = createServer((asked, answer) => {
    if (asked.method === "POST") {
      handle(asked, answer, () => pass(gateway, asked, answer));
    } else {
      pass(files, asked, answer);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    page: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers a call with an error as the gateway does: a status in the headers, and no body. */
export function refuse(
  answer: ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  answer.writeHead(200, {
    "content-type": "application/grpc-web+proto",
    "grpc-status": String(code),
    "grpc-message": encodeURIComponent(message),
    ...headers,
  });
  answer.end();
}

/** Answers a call with a message, as the gateway does: a frame of data, and one of trailers. */
export function respond(answer: ServerResponse, message: Uint8Array): void {
  answer.writeHead(200, { "content-type": "application/grpc-web+proto" });
  answer.end(Buffer.concat([frame(0, message), frame(0x80, Buffer.from("grpc-status: 0\r\n"))]));
}

function frame(flags: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

function pass(to: string, asked: IncomingMessage, answer: ServerResponse): void {
  const url = new URL(asked.url ?? "/", to);
  const passed = request(url, { method: asked.method, headers: { ...asked.headers, host: url.host } });
  passed.on("response", (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
}
