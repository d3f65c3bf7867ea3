import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { classMetrics } from "../../inference/mod.ts";
import { classesCsv, classText } from "./eval_report.ts";

/** Classes with long names, and random counts, more of them right the higher the class. */
function example(count: number) {
  const random = new Random(5);
  const names = Array.from({ length: count }, (_, k) => `class ${k} with quite a long name`);
  const confusion = names.map((_, k) => names.map((_, j) => j === k ? 100 + 20 * k : random.integer(9)));
  return { names, confusion, report: classMetrics(confusion) };
}

Deno.test("classText() fits 80 columns for any number of classes", () => {
  for (const count of [2, 10, 20, 21, 400]) {
    const { names, confusion, report } = example(count);
    const lines = classText(names, report, confusion).split("\n");
    for (const line of lines) assert([...line].length <= 80, `${count} classes: ${line}`);
    assert(lines.length <= 50);
  }
});

Deno.test("classText() shows the worst and the best ten of many classes, and what was mistaken most", () => {
  const { names, confusion, report } = example(30);
  confusion[7][9] = 50;
  const text = classText(names, classMetrics(confusion), confusion), [, worst, best, mistaken] = text.split(":\n");
  const first = (table: string) => table.split("\n").slice(1, 11).map((line) => /^class (\d+)/.exec(line)?.[1]);
  const ranked = classMetrics(confusion).classes.map(({ f1 }, k) => [f1, k]).sort((a, b) => a[0] - b[0]);
  assertEquals(first(worst), ranked.slice(0, 10).map(([, k]) => String(k)));
  assertEquals(first(best), ranked.slice(-10).reverse().map(([, k]) => String(k)));
  assertEquals(mistaken.split("\n")[1].match(/class \d+|\d+$/g), ["class 7", "class 9", "50"]);
  assertEquals(report.classes.length, 30);
});

Deno.test("classText() shows all counts of a few classes", () => {
  const confusion = [[3, 1], [0, 4]], text = classText(["cat", "dog"], classMetrics(confusion), confusion);
  assertStringIncludes(text, "cat         4    100.0 %   75.0 %  85.7 %\ndog         4     80.0 %  100.0 %  88.9 %\n");
  assertStringIncludes(text, "true \\ predicted  cat  dog\ncat                 3    1\ndog                 0    4");
  const long = classText(["horse", "dog"], classMetrics(confusion), confusion);
  assertStringIncludes(long, "true \\ predicted  1  2\n 1 horse          3  1\n 2 dog            0  4");
});

Deno.test("classesCsv() quotes names and ends its lines as RFC 4180 has it", () => {
  const csv = classesCsv(["a,b", 'c "d"', "e"], classMetrics([[1, 1, 0], [0, 0, 0], [0, 0, 2]]));
  assertEquals(csv.split("\r\n"), [
    "class,images,predicted,right,precision,recall,f1",
    `"a,b",2,1,1,1,0.5,${2 / 3}`,
    '"c ""d""",0,1,0,0,0,0',
    "e,2,2,2,1,1,1",
    "",
  ]);
});
