import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { confusionSvg, curvesSvg, type EpochLine } from "./plots.ts";

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
  const small = confusionSvg([[3, 1], [0, 4]], ["cat", "a name that is too long"], "title");
  for (const text of ["cat", "a name that …", "true class", "predicted class", ">3<", ">1<", ">4<"]) {
    assertStringIncludes(small, text);
  }
  assertEquals(count(small, /aria-label="cell"/g), 1);
  assert(!small.includes(">0<"));
  const classes = Array.from({ length: 60 }, (_, index) => `c${index}`);
  const large = confusionSvg(classes.map((_, i) => classes.map((_, j) => i === j ? 9 : 1)), classes, "title");
  assert(!large.includes(">c7<") && large.includes(">30<"));
  assertEquals(count(large, /<rect/g), 2000 + 2);
});
