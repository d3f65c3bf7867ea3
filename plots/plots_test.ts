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
  assert(large.includes(">c7<") && !large.includes(">9<"));
  const many = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  const numbered = confusionSvg(
    many.map((_, i) => many.map((_, j) => Number(i === j || (i + j) % 7 === 0))),
    many,
    "title",
  );
  assert(!numbered.includes(">c7<") && numbered.includes(">300<") && numbered.includes("by its number from 0"));
  // The cells, the frame, the sheet, and the bar of colours.
  assertEquals(count(numbered, /<rect/g), 2000 + 1 + 1 + 20);
});

/** The names below the columns: where they begin, how they are turned, and their size. */
function columnNames(svg: string): { readonly places: number[]; readonly degrees: number; readonly size: number } {
  const labels = /aria-label="x-axis tick label"[^>]*>(.*?)<\/g>/s.exec(svg)![1];
  const places = [...labels.matchAll(/translate\(([\d.]+),/g)].map(([, x]) => Number(x));
  const degrees = Number(/rotate\((-?\d+)/.exec(labels)?.[1] ?? 0);
  return { places, degrees, size: Number(/font-size: ?([\d.]+)px/.exec(svg)![1]) };
}

Deno.test("confusionSvg() sets no name over another, and leaves little of the sheet empty", () => {
  for (const classes of [2, 3, 6, 10, 17, 25, 40, 60, 100]) {
    for (const name of ["cat", "motorcycle_left", "a_rather_long_name_of_a_class", "コーヒーカップ"]) {
      const names = Array.from({ length: classes }, (_, k) => `${k}${name}`);
      const svg = confusionSvg(names.map((_, i) => names.map((_, j) => Number(i === j))), names, "title");
      const { places, degrees, size } = columnNames(svg), of = `${classes} of ${name}: `;
      assertEquals(places.length, classes, of);
      const apart = (places.at(-1)! - places[0]) / (classes - 1),
        longest = 0.6 * size * Math.min(22, textWidth(names.at(-1)!));
      // Level names stand beside each other; turned ones as far apart as their lines are.
      if (degrees === 0) assert(longest <= apart, of + apart);
      else {assert(
          Math.abs(Math.sin(degrees * Math.PI / 180)) * apart >= 0.95 * size && longest > apart - 12,
          of + apart,
        );}
      const [width, height] = ["width", "height"].map((side) => Number(new RegExp(`${side}="(\\d+)"`).exec(svg)![1]));
      const matrix = (apart * classes) ** 2;
      assert(matrix / (width * height) > 0.35, `${of}the matrix has ${(100 * matrix / (width * height)).toFixed(0)} %`);
    }
  }
});

Deno.test("curvesSvg() draws a validation far beyond training at the edge, with its number", () => {
  const lines = [epoch(0), epoch(1), epoch(2, { valLoss: 16.648 }), epoch(3), epoch(4)],
    svg = curvesSvg(lines, "spike");
  // The greatest loss of training is 2.
  assert(svg.includes("loss; ▲ above, up to 16.6<") && svg.includes(">4<") && !svg.includes(">15<"), svg);
  assertEquals([svg, curvesSvg([epoch(0), epoch(1)], "none")].map((text) => count(text, /aria-label="dot"/g)), [6, 5]);
  const infinite = curvesSvg([epoch(0), epoch(1, { valLoss: Infinity })], "infinite");
  assert(infinite.includes("up to Infinity<") && !infinite.includes("NaN"), infinite);
  assert(!curvesSvg([epoch(0), epoch(1)], "none").includes("▲"));
});

Deno.test("curvesSvg() shows rates by their logarithms where they go through orders of magnitude, which a cosine does not", () => {
  const draw = (...rates: number[]) => curvesSvg(rates.map((lr, k) => epoch(k, { lr })), "rates");
  const near = draw(0.01, 0.05, 0.02), far = draw(0.1, 0.01, 0.001, 0.0005);
  const cosine = draw(...Array.from({ length: 73 }, (_, k) => 0.05 * (1 + Math.cos(Math.PI * (k + 0.99) / 73)) / 2));
  assert(cosine.includes(">0.04<") && cosine.includes(">0<") && !cosine.includes(">0.001<"), cosine);
  assert(near.includes(">0.04<") && near.includes(">0.02<"), near);
  assert(far.includes(">0.1<") && far.includes(">0.01<") && far.includes(">0.001<") && !far.includes(">0.02<"), far);
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
