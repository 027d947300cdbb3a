import "./browser-globals";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { pageFailure, type Failure, type PageReason } from "../src/api/failure";
import { codeName, explain } from "../src/call/explain";
import { EN } from "../src/call/errors.en";
import { FR } from "../src/call/errors.fr";
import { comesLater, mayRepeat, remedyOf } from "../src/call/remedy";
import { callWords } from "../src/call/words";
import { choose } from "../src/language/language";

const ID = "01980000-0000-7000-8000-000000000000";
const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");

const failure = (code: number | undefined, reason = "", more: Partial<Failure> = {}): Failure => ({
  code,
  reason,
  message: "said the gateway",
  operationId: undefined,
  retryAfterMs: undefined,
  violations: [],
  ...more,
});

// What the gateway gives is written in its sources twice: in the table of its documentation and where an answer is made.
const gateway = readFileSync("../gateway/src/status.rs", "utf8");
const documented = [...gateway.matchAll(/^\/\/! \| `([A-Z_]+)` \| ([A-Z_]+) \|/gm)].map(
  ([, reason = "", code = ""]) => ({
    reason,
    code,
  }),
);
const made = new Set([...gateway.matchAll(/"([A-Z][A-Z_]{5,})"/g)].map(([, reason = ""]) => reason));
const ownReasons: PageReason[] = ["NO_GRPC_ANSWER", "ANSWER_INCOMPLETE", "ADDRESS_UNREADABLE", "PAGE_FAILED"];

afterEach(() => choose("en"));

for (const [language, texts] of Object.entries({ en: EN, fr: FR }) as ["en" | "fr", typeof EN][]) {
  describe(`in ${language}`, () => {
    it("every reason that the gateway can give has a sentence", () => {
      assert.ok(documented.length >= 25 && made.size >= 25, "the gateway's sources are read as they are written");
      choose(language);
      for (const reason of new Set([...documented.map(({ reason }) => reason), ...made])) {
        const { title, sentence } = explain(failure(Code.Internal, reason));
        const isDeadline = reason === "DEADLINE_EXCEEDED";
        assert.ok(isDeadline || Object.hasOwn(texts.reasons, reason), `${reason} has no text in ${language}`);
        assert.ok(title !== "" && sentence !== "", reason);
      }
    });

    it("every code and every failure of the page has a sentence of its own", () => {
      choose(language);
      const all = [
        ...codes.map((code) => explain(failure(code))),
        ...ownReasons.map((reason) => explain(pageFailure(reason, ""))),
        explain(failure(undefined)),
        explain(failure(42)),
      ];
      assert.equal(new Set(all.map(({ sentence }) => sentence)).size, all.length);
      for (const { title, sentence } of all) {
        assert.match(sentence, /[.?]$/, sentence);
        assert.doesNotMatch(`${title} ${sentence}`, /undefined|NaN|[{}]/);
      }
    });

    it("titles have no full stop, and sentences have one", () => {
      for (const [title, sentence] of [...Object.values(texts.reasons), ...Object.values(texts.codes)]) {
        assert.match(title, /[^.]$/);
        assert.match(sentence, /^\p{Lu}.*\.$/su);
      }
    });
  });
}

it("no reason has a text that the gateway never gives", () => {
  const known = new Set<string>([...made, ...ownReasons]);
  assert.deepEqual(
    Object.keys(EN.reasons).filter((reason) => !known.has(reason)),
    [],
  );
  assert.deepEqual(Object.keys(FR.reasons), Object.keys(EN.reasons));
});

it("French has no-break spaces before its tall signs, and typographic apostrophes", () => {
  choose("fr");
  const texts = [...Object.values(FR.reasons), ...Object.values(FR.codes), FR.deadline("1\u00a0s", true)].flat();
  for (const text of [...texts, ...FR.unknownCode(42), ...plain(callWords())]) {
    assert.doesNotMatch(text, /'/);
    assert.doesNotMatch(text, /[\p{L}\d ][:;!?»](?:\s|$)/u, text);
  }
});

// The texts that are no functions, and the one that is a sentence with a number in it.
function plain({ long, ...texts }: ReturnType<typeof callWords>): string[] {
  return [long(1_000), ...Object.values(texts).filter((text) => typeof text === "string")];
}

it("a code is named as the specification names it", () => {
  assert.deepEqual(codes.map(codeName).slice(0, 4), [
    "CANCELLED (1)",
    "UNKNOWN (2)",
    "INVALID_ARGUMENT (3)",
    "DEADLINE_EXCEEDED (4)",
  ]);
  assert.equal(codes.length, 16);
});

it("a code and a reason that the page does not know still say something, with the code", () => {
  const { title, sentence, code } = explain(failure(42, "SOMETHING_NEW"));
  assert.equal(title, "An error that this page does not know");
  assert.match(sentence, /code 42/);
  assert.equal(code, "42");
  // The reason is new, the code is not.
  assert.equal(explain(failure(Code.Unavailable, "SOMETHING_NEW")).title, "The service is not available");
  assert.equal(explain(failure(Code.Unavailable, "toString")).title, "The service is not available");
});

it("a passed deadline says how long was waited, and whether the result will come", () => {
  const late = failure(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", { operationId: ID, goesOn: true });
  assert.equal(explain(late, 1_000).title, "No answer within 1\u00a0s");
  assert.match(explain(late, 1_000).sentence, /its result will be in the log/);
  assert.doesNotMatch(explain({ ...late, goesOn: false }, 30_000).sentence, /log/);
  assert.equal(explain(failure(Code.DeadlineExceeded)).title, "No answer in time");
  choose("fr");
  assert.equal(explain(late, 30_000).title, "Pas de réponse en 30\u00a0s");
});

it("a result comes later only if the work goes on and the operation is known", () => {
  const late = { operationId: ID, goesOn: true };
  assert.equal(comesLater(failure(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", late)), true);
  assert.equal(comesLater(failure(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", { operationId: ID })), false);
  assert.equal(comesLater(failure(Code.DeadlineExceeded)), false);
  assert.equal(comesLater(failure(undefined, "", { operationId: ID })), true);
  assert.equal(comesLater(failure(Code.ResourceExhausted, "OVERLOADED", { operationId: ID })), false);
});

it("what the gateway says to retry is retried, and what cannot succeed is not", () => {
  for (const { reason, code } of documented) {
    const number = codes.find((known) => codeName(known).startsWith(`${code} `));
    const row = gateway.split("\n").find((line) => line.startsWith(`//! | \`${reason}\``)) ?? "";
    const retryAfterMs = row.includes("`RetryInfo`") ? 1_000 : undefined;
    const remedy = remedyOf(failure(number, reason, { retryAfterMs }));
    if (retryAfterMs !== undefined) {
      assert.equal(remedy, "retry", reason);
    } else if (
      ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "NOT_FOUND", "UNIMPLEMENTED", "ALREADY_EXISTS"].includes(code)
    ) {
      assert.notEqual(remedy, "retry", reason);
    }
  }
  assert.equal(remedyOf(failure(undefined)), "retry");
  assert.equal(remedyOf(failure(42)), "reload");
  assert.equal(remedyOf(failure(Code.DataLoss, "PAYLOAD_LOST")), "retry");
  assert.equal(remedyOf(failure(Code.Unauthenticated)), "token");
  assert.equal(remedyOf(pageFailure("ANSWER_INCOMPLETE", "")), "reload");
});

it("a call is made again by itself only where that may help", () => {
  assert.equal(mayRepeat(failure(Code.ResourceExhausted, "OVERLOADED", { retryAfterMs: 100 })), true);
  assert.equal(mayRepeat(failure(undefined)), true);
  assert.equal(mayRepeat(failure(undefined, "", { operationId: ID })), false, "its result comes later");
  assert.equal(mayRepeat(failure(Code.Unavailable)), true);
  assert.equal(mayRepeat(failure(Code.Internal, "WORKER_FAILED")), false);
});

it("violations name the fields as the form does", () => {
  const { field, violation } = callWords();
  assert.deepEqual(["values", "quantiles", "quantiles[1]", "histogram.bins", "operation_id"].map(field), [
    "Integers",
    "Quantiles",
    "Quantile 2",
    "Histogram bins",
    "operation_id",
  ]);
  assert.equal(violation("quantiles[1]", "2.0 is not a probability"), "2.0 is not a probability");
  choose("fr");
  assert.equal(callWords().field("histogram.bins"), "Classes de l’histogramme");
  assert.equal(callWords().violation("histogram.bins", "said in English"), "un nombre entier de 1 à 1\u00a0000");
  assert.equal(callWords().violation("operation_id", "said in English"), "said in English");
});
