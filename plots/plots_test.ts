import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { textWidth } from "../core/mod.ts";
import type { EpochLine } from "./drawings.ts";
import { confusionSvg, curvesSvg } from "./plots.ts";

function epoch(index: number, values: Partial<EpochLine> = {}): EpochLine {
  const [trainLoss, valLoss] = [2 / (index + 1), 3 / (index + 1)];
  return {
    kind: "epoch",
    epoch: index,
    trainLoss,
    trainTop1: 0.5,
    valLoss,
    valTop1: 0.4,
    lr: 0.1,
    seconds: 1,
    ...values,
  };
}

function count(svg: string, pattern: RegExp): number {
  return svg.match(pattern)?.length ?? 0;
}

Deno.test("curvesSvg() draws five curves with labelled axes, whatever the numbers", () => {
  const svg = curvesSvg([epoch(0), epoch(1), epoch(2)], "resnet20 on <a & b>");
  for (const label of ["loss", "error, %", "learning rate", "epoch →", "resnet20 on &lt;a &amp; b>", "validation"]) {
    assertStringIncludes(svg, label);
  }
  assertEquals(count(svg, /aria-label="line"/g), 5);
  assertEquals(count(svg, /<circle/g), 15);
  assert(!svg.includes("NaN"));
  const odd = curvesSvg([epoch(0, { lr: 0, trainTop1: 1, valTop1: 1, valLoss: Infinity })], "one epoch");
  assert(!odd.includes("NaN"), odd);
});

Deno.test("confusionSvg() names classes and counts, as long as there is room for them", () => {
  const small = confusionSvg([[3, 1], [0, 4]], ["cat", "a name that is rather too long"], "title");
  for (const text of ["cat", "a name that…r too long", "true class", "predicted class", ">3<", ">1<", ">4<"]) {
    assertStringIncludes(small, text);
  }
  assertEquals(count(small, /aria-label="cell"/g), 1);
  assert(!small.includes(">0<"));
  const classes = Array.from({ length: 60 }, (_, index) => `c${index}`);
  const large = confusionSvg(classes.map((_, i) => classes.map((_, j) => i === j ? 9 : 1)), classes, "title");
  assert(!large.includes(">c7<") && large.includes(">30<"));
  assertEquals(count(large, /<rect/g), 2000 + 2);
});

/** The lines of a plot's title, and its width. */
function titleOf(svg: string): { readonly lines: readonly string[]; readonly width: number } {
  const lines = [...svg.matchAll(/<tspan x="14" y="\d+">([^<]*)/g)].map(([, line]) => line);
  return { lines, width: Number(/width="(\d+)"/.exec(svg)![1]) };
}

Deno.test("plots show their whole title, in lines that fit, and cut only what no three lines hold", () => {
  const title = "resnet20 on photos of animals, epoch 73: 100.00 % right", many = "words of a path / ".repeat(40);
  for (
    const draw of [
      (title: string) => confusionSvg([[3, 1], [0, 4]], ["cat", "dog"], title),
      (title: string) => curvesSvg([epoch(0), epoch(1)], title),
    ]
  ) {
    for (const text of [title, `${title} ${title}`, "写真".repeat(9) + " " + title, "short"]) {
      const { lines, width } = titleOf(draw(text));
      assertEquals(lines.join(" "), text);
      // The widest common fonts have letters of 0.6 of their size in the mean, and wide characters of the size.
      for (const line of lines) assert(14 + 15 * 0.6 * textWidth(line) <= width, `${width}: ${line}`);
    }
    const { lines } = titleOf(draw(many));
    assert(lines.length === 3 && lines[2].endsWith("…"), lines.join("\n"));
  }
  assertEquals(titleOf(curvesSvg([epoch(0)], title)).lines.length, 1);
});

Deno.test("confusionSvg() tells long names apart by their ends, and leaves them room", () => {
  const classes = ["a", "b"].map((end) => `n01440764 tench, Tinca tinca ${end}`);
  const svg = confusionSvg([[3, 1], [0, 4]], classes, "title");
  assertStringIncludes(svg, "ca a<");
  assertStringIncludes(svg, "ca b<");
  const widthOf = (names: readonly string[]) => titleOf(confusionSvg([[3, 1], [0, 4]], names, "t")).width;
  // Of 22 columns at most.
  assertEquals(widthOf(["写".repeat(10), "x"]), widthOf(["w".repeat(20), "x"]));
  assertEquals(widthOf(classes), widthOf(["w".repeat(22), "x"]));
  assert(widthOf(classes) > widthOf(["cat", "dog"]) + 100);
});

Deno.test("curvesSvg() begins with the first epoch that is known, and shows one alone", () => {
  const later = curvesSvg([epoch(4), epoch(5), epoch(6)], "resumed");
  assert(later.includes(">5<") && later.includes(">7<") && !later.includes(">1<") && !later.includes(">4<"), later);
  const one = curvesSvg([epoch(0)], "one");
  assertEquals(count(one, />1<\/text>/g), 3);
  assert(!one.includes(">2<"));
});
