import { assert, assertEquals } from "@std/assert";
import { textWidth } from "../../core/mod.ts";
import { fitTable, formatTable } from "./table.ts";

const ROWS = [
  ["op", "kernel", "calls", "milliseconds", "why"],
  ["conv2d 64x64x56x56,64x64x3x3", "implicit GEMM 64x64x16 8x8", 12, "1234.56", "these blocks keep the device busy"],
  ["relu", "elementwise", 3, "0.02", "it is the only one"],
];
const fit = (width: number) => fitTable(ROWS, [0, 1, 4], width, ["why", "calls"]);

Deno.test("formatTable() and fitTable() have room for very many rows", () => {
  const rows = Array.from({ length: 200_000 }, (_, k) => [`class ${k}`, k]);
  assertEquals(formatTable(rows).split("\n").at(-1), "class 199999  199999");
  assertEquals(fitTable(rows, [0], 80, []), formatTable(rows));
});

Deno.test("fitTable() leaves out columns, then cuts texts and never numbers", () => {
  assertEquals(fit(Infinity), formatTable(ROWS, [0, 1, 4]));
  assertEquals(fit(200), fit(Infinity));
  for (const width of [40, 80, 100]) {
    const text = fit(width);
    for (const line of text.split("\n")) assert(line.length <= width, `${width}: ${line}`);
    for (const number of ["1234.56", "0.02"]) assert(text.includes(number));
    assertEquals([text.includes("why"), text.includes("calls")], [false, width > 40]);
  }
  assertEquals(
    fit(40),
    [
      "op          kernel          milliseconds",
      "conv2d 64…  implicit GEMM…       1234.56",
      "relu        elementwise             0.02",
    ].join("\n"),
  );
});

Deno.test("formatTable() aligns columns of wide characters", () => {
  const lines = formatTable([["class", "images"], ["写真", 7], ["ねこです", 12]]).split("\n");
  assertEquals(lines, ["class     images", "写真           7", "ねこです      12"]);
  assertEquals(lines.map(textWidth), [16, 16, 16]);
});
