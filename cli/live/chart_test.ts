import { assert, assertEquals } from "@std/assert";
import { bytesOf, contrast } from "../../tests/_contrast.ts";
import { type ChartOptions, drawChart, legend } from "./chart.ts";
import { History } from "./history.ts";
import { visibleWidth } from "./layout.ts";

const BASE: ChartOptions = {
  title: "loss",
  width: 16,
  height: 4,
  line: [],
  marks: [],
  end: 1,
  endLabel: "end",
  format: (value) => value.toFixed(1),
  colour: false,
};

/** The dots of Braille patterns, by column: Unicode numbers those of a character 1 2 3 7 to the left, 4 5 6 8 to the right. */
function dotsOf(rows: readonly string[]): number[][] {
  const columns: number[][] = [];
  rows.forEach((row, r) =>
    [...row.slice(row.indexOf("│") + 1)].forEach((character, c) => {
      const bits = character.codePointAt(0)! - 0x2800;
      for (const [side, numbers] of [[1, 2, 3, 7], [4, 5, 6, 8]].entries()) {
        const column = columns[2 * c + side] ??= [];
        numbers.forEach((dot, down) => bits > 0 && bits & (1 << (dot - 1)) ? column.push(4 * r + down) : 0);
      }
    })
  );
  return columns;
}

Deno.test("drawChart() draws a line from corner to corner between its least and greatest value", () => {
  const chart = drawChart({ ...BASE, line: [{ x: 0, y: 3 }, { x: 1, y: 1 }] }), [title, top, bottom, axis] = chart;
  assertEquals([title, top.slice(0, 6), bottom.slice(0, 6), axis], [
    "      loss",
    " 3.0 │",
    " 1.0 │",
    "     └────── end",
  ]);
  const columns = dotsOf([top, bottom]);
  assertEquals(columns.length, 20);
  columns.forEach((dots, x) => {
    assert(dots.length === 1 && Math.abs(dots[0] - 7 * x / 19) <= 0.5, `column ${x}: ${dots}`);
  });
});

Deno.test("drawChart() marks points, in the colour of marks, and keeps to its width", () => {
  const options = { ...BASE, marks: [{ x: 0, y: 0.5 }, { x: 1, y: 0.9 }], limits: [0, 1] } as const;
  const [, top, bottom] = drawChart(options);
  assertEquals([top, bottom], [" 0.9 │         ●", " 0.5 │●"]);
  const coloured = drawChart({ ...options, line: [{ x: 0.5, y: 0.7 }], colour: true });
  assertEquals(coloured[2].endsWith("\x1b[35m●\x1b[39m") || coloured[2].includes("\x1b[35m●\x1b[39m"), true);
  assert(coloured.join("").includes("\x1b[94m"));
  for (const line of coloured) assert(visibleWidth(line) <= 16, line);
  assertEquals(legend(false), "⠤⠒ training  ● validation");
});

Deno.test("drawChart() draws no points, one point, equal values and values beyond an axis", () => {
  assertEquals(drawChart(BASE), ["      loss", "     │", "     │", "     └────── end"]);
  const point = drawChart({ ...BASE, line: [{ x: 0.5, y: 2 }] });
  assertEquals([point[1].slice(0, 5), point[2].slice(0, 5)], [" 2.2 ", " 1.8 "]);
  assertEquals(dotsOf(point.slice(1, 3)).flat(), [4]);
  const full = drawChart({ ...BASE, line: [{ x: 0, y: 1 }, { x: 1, y: 1 }], limits: [0, 1] });
  assertEquals([full[1].slice(0, 5), full[2].slice(0, 5)], [" 1.0 ", " 0.9 "]);
  const started = drawChart({ ...BASE, line: [{ x: 0, y: 1 }], end: 0 });
  assertEquals(dotsOf(started.slice(1, 3)).flat().length, 1);
});

Deno.test("drawChart() sets marks above what an axis may show at its edge, in another shape", () => {
  const line = [{ x: 0, y: 2 }, { x: 1, y: 1 }], marks = [{ x: 0.3, y: 19 }, { x: 0.6, y: 3 }, { x: 0.9, y: 1 }];
  const [, top, , , bottom] = drawChart({ ...BASE, height: 6, line, marks, limits: [0, 4] });
  assertEquals([top.slice(0, 5), bottom.slice(0, 5)], [" 4.0 ", " 1.0 "]);
  assertEquals([top.indexOf("▲"), top.indexOf("●"), bottom.indexOf("●")], [6 + 3, -1, 6 + 8]);
  assert(drawChart({ ...BASE, line, marks, limits: [0, 4], colour: true }).join("").includes("\x1b[35m▲"));
});

/** xterm's colours of the codes that charts take. */
const XTERM: Readonly<Record<string, string>> = { 94: "#5c5cff", 35: "#cd00cd" };

Deno.test("drawChart() takes colours that are plain on black and on white", () => {
  // deno-lint-ignore no-control-regex
  for (const [, code] of legend(true).matchAll(/\x1b\[(\d+)m[^\x1b]/g)) {
    if (code === "39") continue;
    for (const back of ["#000", "#fff"]) {
      const found = contrast(bytesOf(XTERM[code]), bytesOf(back));
      assert(found > 4.4, `${code} on ${back}: ${found}`);
    }
  }
});

Deno.test("History keeps the course of a curve of any length in a thousand points", () => {
  const short = new History(), long = new History();
  for (let k = 0; k < 7; k++) short.add(k, k === 3 ? NaN : 2 * k);
  assertEquals(short.points, [0, 1, 2, 4, 5, 6].map((x) => ({ x, y: 2 * x })));
  for (let k = 0; k < 1_000_000; k++) long.add(k, k / 4);
  assert(long.points.length > 400 && long.points.length < 1024, `${long.points.length} points`);
  long.points.forEach(({ x, y }, k) => {
    assertEquals(y, x / 4);
    assert(k === 0 || x > long.points[k - 1].x);
  });
  assert(long.points[0].x < 2000 && long.points.at(-1)!.x > 997_000);
});
