// The reading thread: reads lists, and makes the call over them.

import type { Request } from "./messages";

self.addEventListener("message", (_event: MessageEvent<Request>) => {});
