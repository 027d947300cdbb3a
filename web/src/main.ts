// The page: reads the form, makes the call, shows what comes of it. Its state stands in `data-state` of `#main`.

import { ConnectError } from "@connectrpc/connect";
import { compute, type ComputeInput } from "./compute";
import { copyText } from "./copy";
import { byId } from "./dom";
import { explain } from "./errors";
import { showExplanation, showInputError, showProblems } from "./failure";
import { formatDouble, formatMilliseconds } from "./format";
import { readBins, readProbabilities, readTimeout } from "./options";
import { describeProblem, parseIntegers, type Parsed } from "./parse";
import { preview } from "./preview";
import { showResult } from "./result";

type State = "idle" | "computing" | "done" | "error";

const EXAMPLE = "4, 5, 2, 35, 2452";

// A text of up to this many characters is read again on each key press; a longer one when typing pauses.
const READ_AT_ONCE = 100_000;
const PAUSE_MS = 200;

const values = byId("values", HTMLTextAreaElement);
const count = byId("count", HTMLElement);
const quantiles = byId("quantiles", HTMLInputElement);
const bins = byId("bins", HTMLInputElement);
const submit = byId("compute", HTMLButtonElement);
const cancel = byId("cancel", HTMLButtonElement);
const elapsed = byId("elapsed", HTMLElement);

// The call in flight.
let call: AbortController | undefined;

function enter(state: State, announcement: string): void {
  byId("main", HTMLElement).dataset["state"] = state;
  byId("empty", HTMLElement).hidden = state === "done" || state === "error";
  byId("empty-text", HTMLElement).textContent = state === "computing" ? "Computing…" : "The answer appears here.";
  byId("result", HTMLElement).hidden = state !== "done";
  byId("error", HTMLElement).hidden = state !== "error";
  byId("status", HTMLElement).textContent = announcement;
  // On a narrow screen the answer lies below the form.
  if (state === "done" || state === "error") {
    byId(state === "done" ? "result" : "error", HTMLElement).scrollIntoView({ block: "nearest" });
  }
}

function readValues(): Parsed {
  const parsed = parseIntegers(values.value);
  showCount(parsed);
  return parsed;
}

function showCount(parsed: Parsed): void {
  mark(values, parsed.ok);
  count.classList.toggle("bad", !parsed.ok);
  if (parsed.ok) {
    count.textContent = preview(parsed.values);
    return;
  }
  const [first] = parsed.problems;
  const others = parsed.problems.length - 1 + parsed.more;
  const more = others > 0 ? ` (and ${others.toLocaleString("en-US")} more)` : "";
  count.textContent = first === undefined ? "" : `${describeProblem(first)}${more}`;
}

function mark(field: HTMLElement, valid: boolean): void {
  if (valid) {
    field.removeAttribute("aria-invalid");
  } else {
    field.setAttribute("aria-invalid", "true");
  }
}

// What the form asks for; undefined after showing why it asks for nothing that can be sent.
function readForm(): ComputeInput | undefined {
  const refuse = (field: HTMLInputElement | HTMLTextAreaElement, title: string, sentence: string) => {
    mark(field, false);
    showInputError(title, sentence);
    enter("error", "");
    field.focus();
    return undefined;
  };
  const parsed = readValues();
  if (!parsed.ok) {
    showProblems(parsed.problems, parsed.more);
    enter("error", "");
    values.focus();
    return undefined;
  }
  if (parsed.values.length === 0) {
    return refuse(values, "The list is empty", "Enter at least one integer.");
  }
  const probabilities = readProbabilities(quantiles.value);
  mark(quantiles, probabilities.ok);
  if (!probabilities.ok) {
    return refuse(quantiles, "The quantiles cannot be read", `${probabilities.reason}.`);
  }
  const number = readBins(bins.value);
  mark(bins, number.ok);
  if (!number.ok) {
    return refuse(bins, "The number of bins cannot be read", `${number.reason}.`);
  }
  return { values: parsed.values, quantiles: probabilities.value, bins: number.value };
}

async function run(): Promise<void> {
  if (call !== undefined) {
    return;
  }
  const timeout = readTimeout(window.location.search);
  if (!timeout.ok) {
    showInputError("The address of this page cannot be read", `${timeout.reason}.`);
    enter("error", "");
    return;
  }
  const input = readForm();
  if (input === undefined) {
    return;
  }
  const started = performance.now();
  call = new AbortController();
  const stopClock = startClock(started);
  enter("computing", "Computing");
  try {
    const response = await compute(input, timeout.value, call.signal);
    finish(input, response, performance.now() - started);
  } catch (reason) {
    fail(reason, timeout.value, call.signal.aborted);
  } finally {
    call = undefined;
    stopClock();
  }
}

function finish(input: ComputeInput, response: Awaited<ReturnType<typeof compute>>, tookMs: number): void {
  const { statistics } = response;
  if (statistics === undefined) {
    showInputError(
      "The answer is incomplete",
      "The gateway's answer holds no statistics. Page and gateway are of different versions.",
    );
    enter("error", "");
    return;
  }
  showResult(input.values, response, statistics);
  const { min, max, median, mean } = statistics;
  enter(
    "done",
    `Done in ${formatMilliseconds(tookMs)}. Min ${min}, max ${max}, median ${formatDouble(median)}, mean ${formatDouble(mean)}.`,
  );
}

function fail(reason: unknown, timeoutMs: number, cancelled: boolean): void {
  if (cancelled) {
    enter("idle", "Cancelled");
    return;
  }
  const explanation = explain(ConnectError.from(reason), timeoutMs);
  for (const { field } of explanation.violations) {
    // The path of a field starts with its name in the request: `quantiles[1]`, `histogram.bins`.
    const [name = ""] = field.split(/[.[]/);
    const input = { values, quantiles, histogram: bins }[name];
    if (input !== undefined) {
      mark(input, false);
    }
  }
  showExplanation(explanation);
  enter("error", "");
}

// Shows the time since `started` and the cancel button; the function returned takes them away.
function startClock(started: number): () => void {
  const tick = () => {
    elapsed.textContent = `${((performance.now() - started) / 1_000).toFixed(1)} s`;
  };
  tick();
  const timer = window.setInterval(tick, 100);
  submit.disabled = true;
  cancel.hidden = false;
  elapsed.hidden = false;
  return () => {
    window.clearInterval(timer);
    const hadFocus = document.activeElement === cancel || document.activeElement === document.body;
    submit.disabled = false;
    cancel.hidden = true;
    elapsed.hidden = true;
    // The buttons change places; without this, the keyboard's place on the page would be lost.
    if (hadFocus) {
      submit.focus();
    }
  };
}

function listen(): void {
  let pause = 0;
  values.addEventListener("input", () => {
    window.clearTimeout(pause);
    pause = window.setTimeout(readValues, values.value.length <= READ_AT_ONCE ? 0 : PAUSE_MS);
  });
  for (const field of [quantiles, bins]) {
    field.addEventListener("input", () => mark(field, true));
  }
  byId("example", HTMLButtonElement).addEventListener("click", () => {
    values.value = EXAMPLE;
    readValues();
    values.focus();
  });
  byId("form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void run();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void run();
    }
  });
  cancel.addEventListener("click", () => call?.abort());
  const copy = byId("copy", HTMLButtonElement);
  copy.addEventListener("click", async () => {
    const copied = await copyText(byId("summary", HTMLPreElement));
    copy.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    window.setTimeout(() => (copy.textContent = "Copy"), 2_000);
  });
}

if (/Mac|iPhone|iPad/.test(navigator.userAgent)) {
  byId("shortcut", HTMLElement).textContent = "⌘ Enter";
}
listen();
// Browsers put back what was typed before a reload.
readValues();
