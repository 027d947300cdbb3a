import "./history-globals";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { OperationSchema, type Operation } from "../gen/compute/v1/compute_pb";
import { idOf } from "../src/api/operations";
import { rounded } from "../src/history/numbers";
import { arrived, begin, end, MOST_OWN, own, type Own } from "../src/history/own";
import { blocksOf, isPending, merged, rowsOf } from "../src/history/rows";
import { createTimeOf } from "../src/operation-id";
import { ago, dayOf, lasting } from "../src/history/time";
import { language } from "../src/language/language";

const MINUTE_MS = 60_000;
const ANY = { day: "", since: 0 };

/** The id of an operation that was made at this time. */
function idAt(ms: number): string {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

function operation(ms: number, worker = ""): Operation {
  return create(OperationSchema, { name: `operations/${idAt(ms)}`, done: true, worker });
}

function mine(startedAt: number, state: Own["state"], operationId?: string): Own {
  return { key: `${startedAt}`, startedAt, state, operationId, count: 1 };
}

describe("operations of this tab", () => {
  it("outlive a reload: what was under way has lost its answer, what is none is left out", () => {
    assert.deepEqual(
      own.value.map(({ key, state, operationId }) => [key, state, operationId]),
      [
        ["b", "late", undefined],
        ["a", "late", "id-a"],
      ],
    );
  });

  it("are remembered from their start to their end, the newest first", () => {
    const [first, second] = [begin(10), begin(20)];
    assert.notEqual(first, second);
    end(first, "late", "id-first");
    end(second, "done", "id-second");
    const stored = JSON.parse(sessionStorage.getItem("compute.own") ?? "") as Own[];
    for (const all of [own.value, stored]) {
      assert.deepEqual(
        all.slice(0, 2).map(({ key, state, count, operationId }) => [key, state, count, operationId]),
        [
          [second, "done", 20, "id-second"],
          [first, "late", 10, "id-first"],
        ],
      );
    }
  });

  it("arrive once, if they were late", () => {
    end(begin(1), "late", "id-late");
    assert.equal(arrived("id-late", "done"), true);
    assert.equal(arrived("id-late", "done"), false);
    assert.equal(arrived("id-of-somebody-else", "done"), false);
    assert.equal(own.value[0]?.state, "done");
  });

  it("do not pile up", () => {
    for (let i = 0; i < MOST_OWN + 5; i++) {
      begin(i);
    }
    assert.equal(own.value.length, MOST_OWN);
    assert.equal(own.value[0]?.count, MOST_OWN + 4);
  });
});

describe("rows of the history", () => {
  it("come from pages in any order, newest first, each once, in its newer version", () => {
    const pages = merged([operation(3, "old"), operation(1)], [operation(2), operation(3, "new")]);
    assert.deepEqual(pages.map(idOf), [idAt(3), idAt(2), idAt(1)]);
    assert.equal(pages[0]?.worker, "new");
  });

  it("start with what is still to come, and have the rest by time", () => {
    const listed = [operation(4_000), operation(2_000)];
    const all = [
      mine(5_000, "computing"),
      mine(3_000, "cancelled"),
      mine(2_000, "done", idAt(2_000)),
      mine(500, "late", idAt(500)),
    ];
    const rows = rowsOf(listed, all, ANY);
    assert.deepEqual(
      rows.map(({ key, operation, own }) => [key, operation !== undefined, own?.state]),
      [
        ["5000", false, "computing"],
        ["500", false, "late"],
        [idAt(4_000), true, undefined],
        ["3000", false, "cancelled"],
        [idAt(2_000), true, "done"],
      ],
    );
    assert.deepEqual(rows.map(isPending), [true, true, false, false, false]);
  });

  it("have one that was late once: as its result", () => {
    const rows = rowsOf([operation(1_000)], [mine(1_000, "late", idAt(1_000))], ANY);
    assert.equal(rows.length, 1);
    assert.equal(isPending(rows[0] ?? assert.fail()), false);
  });

  it("leave out what is of another day, and what is beyond the pages that are there", () => {
    const all = [mine(Date.UTC(2026, 10, 24), "late", "a"), mine(Date.UTC(2026, 10, 23, 23, 59), "late", "b")];
    const keys = (range: typeof ANY, own: readonly Own[]) => rowsOf([], own, range).map((row) => row.own?.operationId);
    assert.deepEqual(keys({ day: "2026-11-24", since: 0 }, all), ["a"]);
    assert.deepEqual(keys({ day: "", since: 2_000 }, [mine(1_000, "failed", "c"), mine(3_000, "failed", "d")]), ["d"]);
  });
});

describe("blocks of rows", () => {
  const made = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => {
      const key = `${"0".repeat(24)}${((from + i) * 7).toString(16).padStart(12, "0")}`;
      return { key, operation: undefined, own: undefined };
    }).reverse();

  it("hold every row once and in order", () => {
    const rows = made(0, 1_000);
    const blocks = blocksOf(rows);
    assert.deepEqual(
      blocks.flatMap((block) => block.rows),
      rows,
    );
    assert.ok(blocks.length > 20 && blocks.length < 50, `${blocks.length} blocks`);
    assert.equal(new Set(blocks.map(({ key }) => key)).size, blocks.length);
  });

  it("stay as they are between rows that come at either end", () => {
    const before = blocksOf(made(200, 800));
    const after = blocksOf(made(0, 1_000));
    const kept = after.map(({ key }) => key);
    for (const { key, rows } of before.slice(1, -1)) {
      assert.ok(kept.includes(key), key);
      assert.deepEqual(after.find((block) => block.key === key)?.rows, rows);
    }
  });

  it("are none where there are no rows", () => assert.deepEqual(blocksOf([]), []));
});

describe("times", () => {
  it("are read from ids of version 7, and from nothing else", () => {
    // The example of RFC 9562, appendix A.6.
    const made = createTimeOf("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert.equal(made?.toISOString(), "2022-02-22T19:22:22.000Z");
    assert.equal(made && dayOf(made), "2022-02-22");
    for (const id of ["", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f", "x"]) {
      assert.equal(createTimeOf(id), undefined, id);
    }
    assert.equal(createTimeOf("ffffffff-ffff-7cc3-98c4-dc0c0c07398f")?.getTime(), 2 ** 48 - 1);
  });

  it("are told relative to now, in the language of the page, and by date after a day", () => {
    const before = (ms: number) => ago(new Date(Date.UTC(2026, 10, 24) - ms), Date.UTC(2026, 10, 24));
    assert.deepEqual([-5_000, 9_999, 25_000, MINUTE_MS, 61 * MINUTE_MS].map(before), [
      "now",
      "now",
      "20 sec. ago",
      "1 min. ago",
      "1 hr. ago",
    ]);
    assert.match(before(25 * 60 * MINUTE_MS), /^Nov 2[23], 2026/);
    language.value = "fr";
    assert.match(before(5 * MINUTE_MS), /^il y a 5\smin$/);
    language.value = "en";
  });

  it("that go on are told in whole units", () => {
    assert.deepEqual(
      [-1, 8_999, 200_000, 125 * MINUTE_MS].map((ms) => lasting(ms).replaceAll("\u00a0", " ")),
      ["0 s", "8 s", "3 min 20 s", "2 h 5 min"],
    );
  });
});

describe("numbers in a row", () => {
  for (const [value, shown] of [
    [0, "0"],
    [499.6, "499.6"],
    [-1 / 3, "-0.333"],
    [12_345.678, "12,345.7"],
    [9_999_999_999n, "9,999,999,999"],
    [-(2n ** 63n), "-9.223 × 10¹⁸"],
    [1e300, "1 × 10³⁰⁰"],
    [0.000_123_456, "1.235 × 10⁻⁴"],
  ] as const) {
    it(`${value} is ${shown}`, () => assert.equal(rounded(value).replaceAll("\u202f", " "), shown));
  }
});
