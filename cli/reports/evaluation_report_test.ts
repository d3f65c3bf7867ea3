import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { confusionText } from "./evaluation_report.ts";

/** Random counts of so many classes. */
function counts(classes: number): number[][] {
  const random = new Random(classes, "confusion");
  return Array.from({ length: classes }, () => Array.from({ length: classes }, () => random.integer(50)));
}

Deno.test("confusionText() shows the whole matrix where it fits, and no line is longer than the terminal", () => {
  for (const count of [2, 10, 100]) {
    const confusion = counts(count), classes = confusion.map((_, k) => `class number ${k}`);
    for (const width of [40, 80, 200]) {
      const lines = confusionText(confusion, classes, width).split("\n");
      assertEquals(lines.length, count + 1);
      for (const line of lines) assert(line.length <= width, `${width}: ${line}`);
      assertEquals(
        lines[0].startsWith("true \\ predicted"),
        count === 2 && width > 40 || count === 10 && width === 200,
      );
      for (const [k, row] of confusion.entries()) {
        const total = row.reduce((a, b) => a + b);
        assert(lines[k + 1].includes(`${total}  `) && lines[k + 1].includes(`${(100 * row[k] / total).toFixed(1)} %`));
      }
    }
  }
});

Deno.test("confusionText() names the most frequent mistakes first, as far as there is room", () => {
  const confusion = [[5, 2, 0, 9], [0, 0, 0, 0], [1, 1, 7, 1], [0, 0, 0, 4]];
  const [header, ...rows] = confusionText(confusion, ["cat", "dog", "an owl", "cow"], 40).split("\n");
  assertEquals(header, "class   images    right  taken for");
  assertEquals(rows, [
    "cat         16   31.3 %  cow 9, dog 2",
    "dog          0        -",
    "an owl      10   70.0 %  cat 1, dog 1",
    "cow          4  100.0 %",
  ]);
});
