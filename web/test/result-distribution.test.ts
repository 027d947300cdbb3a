import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { StatisticsSchema } from "../gen/compute/v1/compute_pb";
import { axisTicks, brief } from "../src/result/distribution/axis";
import { placeLabels, type Placed, type Wanted } from "../src/result/distribution/labels";
import { binPlace, shapeOf } from "../src/result/distribution/shape";

const INT64_MAX = 2n ** 63n - 1n;

type Init = Parameters<typeof create<typeof StatisticsSchema>>[1];
const QUARTILES = [
  { probability: 0.25, value: 3 },
  { probability: 0.75, value: 8 },
];
const statistics = (given: Init) =>
  create(StatisticsSchema, { count: 4n, min: 0n, max: 10n, median: 5, mean: 6, sum: "24", ...given });
const places = (given: Init) => shapeOf(statistics(given))?.marks.map(({ name, at }) => [name, at]);

describe("the shape of a distribution", () => {
  it("has its marks where their values are on the axis", () => {
    assert.deepEqual(places({ quantiles: QUARTILES }), [
      ["min", 0],
      ["lowerQuartile", 0.3],
      ["median", 0.5],
      ["mean", 0.6],
      ["upperQuartile", 0.8],
      ["max", 1],
    ]);
  });
  it("has the ends of the histogram, and bins that fill the axis", () => {
    const shape = shapeOf(statistics({ histogram: { edges: [0, 2.5, 5, 7.5, 10], counts: [1n, 0n, 2n, 1n] } }));
    assert.deepEqual([shape?.low, shape?.high], [0, 10]);
    assert.deepEqual(shape?.bins[2], { from: 5, to: 7.5, count: 2n });
    assert.deepEqual(shape && binPlace(shape, 2), [0.5, 0.75]);
  });
  it("is none without a histogram and without both quartiles", () => {
    assert.equal(shapeOf(statistics({})), undefined);
    assert.equal(shapeOf(statistics({ quantiles: QUARTILES.slice(1) })), undefined);
  });
  it("has no bins if their edges do not fit their counts", () => {
    const shape = shapeOf(statistics({ quantiles: QUARTILES, histogram: { edges: [0, 10], counts: [1n, 2n] } }));
    assert.deepEqual(shape?.bins, []);
  });
  it("of equal values is in the middle of an axis of length 1", () => {
    const same = { min: 7n, max: 7n, median: 7, mean: 7, quantiles: QUARTILES };
    const shape = shapeOf(statistics(same));
    assert.deepEqual([shape?.low, shape?.high, shape?.isConstant], [6.5, 7.5, true]);
    assert.deepEqual(places(same), [
      ["min", 0.5],
      ["max", 0.5],
    ]);
  });
  it("of equal values beyond 2^53 is in the middle, too, though the edges are all the same double", () => {
    const edges = [2 ** 63, 2 ** 63, 2 ** 63];
    const shape = shapeOf(statistics({ min: INT64_MAX, max: INT64_MAX, histogram: { edges, counts: [0n, 4n] } }));
    assert.deepEqual(
      shape?.marks.map(({ at }) => at),
      [0.5, 0.5],
    );
    assert.deepEqual(shape && binPlace(shape, 1), [0.5, 1]);
  });
  it("marks no double between values that doubles cannot tell apart", () => {
    const edges = [2 ** 63, 2 ** 63, 2 ** 63];
    const fine = { min: INT64_MAX - 9n, max: INT64_MAX, median: 2 ** 63, mean: 2 ** 63 };
    const shape = shapeOf(statistics({ ...fine, histogram: { edges, counts: [5n, 5n] } }));
    assert.equal(shape?.isTooFine, true);
    assert.deepEqual(
      shape?.marks.map(({ name, at }) => [name, at]),
      [
        ["min", 0],
        ["max", 1],
      ],
    );
  });
});

describe("numbers on a chart", () => {
  const cases: [size: number, step: number, value: number | bigint, en: string, fr: string][] = [
    [10, 0.5, 2.5, "2.5", "2,5"],
    [10, 2, 4, "4", "4"],
    [250_000, 50_000, 150_000, "150,000", "150\u202f000"],
    [1e9, 2.5e8, 7.5e8, "750M", "750\u00a0M"],
    [1e12 + 100, 20, 1e12 + 40, "1,000,000,000,040", "1\u202f000\u202f000\u202f000\u202f040"],
    [9.2e18, 5e18, -5e18, "-5\u00a0×\u00a010¹⁸", "-5\u00a0×\u00a010¹⁸"],
    [9.2e18, 9e14, INT64_MAX, "9.2234\u00a0×\u00a010¹⁸", "9,2234\u00a0×\u00a010¹⁸"],
    [9.2e18, 5e18, 0, "0", "0"],
  ];
  for (const [size, step, value, en, fr] of cases) {
    it(`up to ${size}, ${step} apart: ${en}`, () => {
      assert.equal(brief("en", size, step)(value), en);
      assert.equal(brief("fr", size, step)(value), fr);
    });
  }
});

describe("the ticks of an axis", () => {
  const measure = (text: string) => text.length * 7;

  it("have labels that do not touch and are all different, at any width and on any axis", () => {
    const ends = fc.tuple(fc.bigInt(-(2n ** 63n), INT64_MAX), fc.bigInt(1n, 2n ** 64n));
    fc.assert(
      fc.property(ends, fc.integer({ min: 200, max: 1_500 }), ([low, span], width) => {
        const labels = axisTicks(Number(low), Number(low) + Number(span), "en", width, measure);
        let end = Number.NEGATIVE_INFINITY;
        for (const { at, text } of labels) {
          assert.ok(at >= 0 && at <= 1, `${text} is at ${at}`);
          const start = Math.max(0, Math.min(at * width - measure(text) / 2, width - measure(text)));
          assert.ok(start > end, `${text} touches the label before it`);
          end = start + measure(text);
        }
        assert.equal(new Set(labels.map(({ text }) => text)).size, labels.length);
      }),
    );
  });
  it("are more where there is more room", () => {
    const few = axisTicks(0, 1_000, "en", 200, measure).length;
    assert.ok(few >= 2 && few < axisTicks(0, 1_000, "en", 800, measure).length);
  });
});

describe("the labels of marks", () => {
  const isFree = (wanted: readonly Wanted[], placed: readonly Placed[], width: number) => {
    placed.forEach((mine, i) => {
      const end = mine.start + (wanted[i]?.width ?? 0);
      assert.ok(mine.start >= 0 && end <= width, `label ${i} is outside`);
      placed.forEach((other, j) => {
        const x = wanted[j]?.x ?? 0;
        const otherEnd = other.start + (wanted[j]?.width ?? 0);
        assert.ok(
          i === j || mine.row !== other.row || end <= other.start || otherEnd <= mine.start,
          `labels ${i} and ${j} overlap`,
        );
        assert.ok(i === j || other.row < mine.row || x < mine.start || x > end, `line ${j} cuts label ${i}`);
      });
    });
  };
  const marks = fc
    .tuple(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 0, maxLength: 4 }),
      fc.integer({ min: 280, max: 900 }),
    )
    .map(([between, width]) => ({ width, xs: [0, ...between.toSorted((a, b) => a - b), 1].map((at) => at * width) }));

  it("neither overlap nor cut each other's lines, wherever the marks are", () => {
    const size = fc.integer({ min: 20, max: 150 });
    fc.assert(
      fc.property(marks, fc.array(size, { minLength: 6, maxLength: 6 }), ({ xs, width }, sizes) => {
        const wanted = xs.map((x, i) => ({ x, width: sizes[i] ?? 0 }));
        const placed = placeLabels(wanted, width);
        if (placed !== undefined) {
          isFree(wanted, placed, width);
        }
      }),
    );
  });
  it("find a place on a phone while they are names alone", () => {
    fc.assert(
      fc.property(marks, ({ xs, width }) => {
        const wanted = xs.map((x) => ({ x, width: 60 }));
        assert.ok(placeLabels(wanted, width), `no place for ${xs.join(", ")} in ${width} px`);
      }),
    );
  });
  it("are in one row where there is room", () => {
    const wanted = [0, 200, 400, 800].map((x) => ({ x, width: 100 }));
    assert.deepEqual(
      placeLabels(wanted, 800)?.map(({ row }) => row),
      [0, 0, 0, 0],
    );
  });
});
