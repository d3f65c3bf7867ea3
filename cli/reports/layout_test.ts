import { assert, assertEquals } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { fitFields, shortenName, widthOf, wrapText } from "./layout.ts";

Deno.test("wrapText() breaks between words alone, and never between a number and its unit", () => {
  const random = new Random(5, "wrap"), words = ["a", "step", "12.5 MiB", "3 threads", "of", "validation,", "99.10 %"];
  for (let round = 0; round < 200; round++) {
    const parts = Array.from({ length: 1 + random.integer(30) }, () => words[random.integer(words.length)]);
    const text = parts.join(" "), width = 14 + random.integer(60), lines = wrapText(text, width).split("\n");
    assertEquals(lines.map((line) => line.trim()).join(" "), text);
    for (const [k, line] of lines.entries()) {
      assert(line.length <= width, `${width}: ${line}`);
      assert(k === lines.length - 1 || !/\d$/.test(line), line);
    }
  }
});

Deno.test("wrapText() keeps lines that fit, their spaces included, and gives a long word a line", () => {
  assertEquals(wrapText("a   b\n\n  c", 5), "a   b\n\n  c");
  assertEquals(wrapText("see /a/path/that/is/long now", 8), "see\n  /a/path/that/is/long\n  now");
});

Deno.test("fitFields() leaves out the greatest ranks first, and keeps the order", () => {
  const fields = [["epoch", 0], ["lr", 3], ["loss", 1], ["time", 2]].map(([text, rank]) => ({
    text: text as string,
    rank: rank as number,
  }));
  const at = (width: number) => fitFields(fields, width).map(({ text }) => text).join("  ");
  assertEquals([at(21), at(20), at(16), at(10), at(1)], [
    "epoch  lr  loss  time",
    "epoch  loss  time",
    "epoch  loss",
    "epoch",
    "epoch",
  ]);
});

Deno.test("shortenName() keeps the end", () => {
  assertEquals([shortenName("photos/a.jpg", 12), shortenName("photos/a.jpg", 7)], ["photos/a.jpg", "…/a.jpg"]);
});

Deno.test("widthOf() is 80 where there is no terminal", () => {
  assertEquals(widthOf({ isTerminal: () => false }), 80);
});
