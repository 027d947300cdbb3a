// The trace that a call begins: what lies between this page and the log, where the gateway's operator collects that.

/** A trace that this page begins. */
export interface Trace {
  /** Its id, 32 hex digits: what one looks for in a tracing tool. */
  readonly id: string;
  /** The header `traceparent` of the call, as W3C Trace Context has it. */
  readonly traceparent: string;
}

// Whether to collect the trace. A person waits for the call, so it is wanted whatever share of calls is traced.
const SAMPLED = "01";

/** Begins a trace. */
export function newTrace(): Trace {
  const [id, span] = [hex(16), hex(8)];
  return { id, traceparent: `00-${id}-${span}-${SAMPLED}` };
}

// Random bytes in hex, which a standard asks not to be zeros only.
function hex(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return bytes.every((byte) => byte === 0) ? hex(length) : Array.from(bytes, digits).join("");
}

const digits = (byte: number): string => byte.toString(16).padStart(2, "0");
