import { assertEquals } from "@std/assert";
import type { ValidationAnswers } from "../../train/mod.ts";
import { PROGRAM } from "../program.ts";
import { confusedPairs } from "./confused_pairs.ts";
import { bestText, confusedText, nextText } from "./run_summary.ts";

/** Answers by pairs of class and prediction. */
function answers(pairs: readonly (readonly [number, number])[], stride = 1): ValidationAnswers {
  const images = pairs.map(([label, predicted], k) => ({
    index: k * stride,
    label,
    predicted,
    probability: 0.5,
    labelProbability: label === predicted ? 0.5 : 0.25,
  }));
  return { epoch: 2, classes: ["cat", "犬\x1b[31m", "bird"], count: pairs.length * stride, stride, images };
}

const SOME = answers([[0, 0], [0, 1], [0, 1], [1, 0], [2, 1], [2, 1], [2, 1], [2, 2], [1, 1], [1, 1]]);

Deno.test("confusedPairs() ranks classes that were taken for others, the first of those that are equal first", () => {
  assertEquals(confusedPairs(SOME, 2), [
    { label: 2, predicted: 1, images: 3, of: 4 },
    { label: 0, predicted: 1, images: 2, of: 3 },
  ]);
  assertEquals(confusedPairs(answers([[0, 0]]), 3), []);
  assertEquals(confusedPairs(answers([[1, 2], [0, 2], [2, 0]]), 9).map(({ label }) => label), [0, 1, 2]);
});

Deno.test("bestText() and confusedText() tell the figures of the best epoch, and what it confuses", () => {
  // Four of ten are right at 1/2, six wrong at 1/4: a mean of (4 ln 2 + 6 ln 4) / 10.
  assertEquals(bestText(SOME, 6), "Best epoch 3 of 6: validation accuracy 40.00 %, loss 1.1090");
  assertEquals(confusedText(SOME)!.split("\n"), [
    "Mistaken most often:",
    "class    taken for  images  of",
    "bird     犬\ufffd[31m         3   4",
    "cat      犬\ufffd[31m         2   3",
    "犬\ufffd[31m  cat             1   3",
  ]);
  assertEquals(confusedText(answers([[0, 0], [1, 1]])), undefined);
  // Long names often differ in their ends alone.
  const long = { ...SOME, classes: ["north", "south", "west"].map((end) => `warblers of the coast in the ${end}`) };
  const names = confusedText(long)!.split("\n").slice(2).map((line) => line.split("  ")[0]);
  assertEquals(names, ["warblers of …in the west", "warblers of …n the north", "warblers of …n the south"]);
  assertEquals(bestText(answers([[0, 0], [0, 1]], 3), 3).split(", ").at(-1), "by 1 in 3 images");
});

Deno.test("nextText() names commands that there are, with a path as shells take it", () => {
  const lines = nextText("runs/it's mine").split("\n");
  assertEquals(lines[2], `  ${PROGRAM} eval --checkpoint 'runs/it'\\''s mine'`);
  // The dashboard takes the folder that the run is in, and looks into `runs` by itself.
  const dashboards = ["runs/first", "runs/", "a b/first", "/tmp/x/first", "first"].map((run) =>
    nextText(run).split("\n").find((line) => line.includes("dashboard"))!.slice(PROGRAM.length + 3)
  );
  assertEquals(dashboards, ["dashboard", "dashboard .", "dashboard 'a b'", "dashboard /tmp/x", "dashboard ."]);
  const files = [...Deno.readDirSync(new URL("../commands/", import.meta.url))].map(({ name }) => name);
  for (const line of lines.slice(1)) {
    const command = line.slice(PROGRAM.length + 2).trim().split(" ")[0];
    assertEquals(files.includes(`${command}.ts`), true, line);
  }
});
