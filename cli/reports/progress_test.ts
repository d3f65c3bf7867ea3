import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatCount, formatProgress, formatTuning } from "./progress.ts";

const STATE = {
  step: 1234,
  totalSteps: 23_400,
  epoch: 11,
  loss: 12.34567,
  top1: 0.98765,
  imagesPerSecond: 12_345.6,
  secondsLeft: 36_000,
};
const FIELDS = [
  "epoch 12",
  "step 1234/23400",
  "loss 12.3457",
  "accuracy 98.8 %",
  "12346 images/s",
  "10:00:00 left",
];

/** A line's fields, its bar apart. */
function fieldsOf(line: string): string[] {
  return line.replace(/^\[.*\] /, "").split("  ").filter((field) => field !== "");
}

Deno.test("formatProgress() shows whole fields at any width, the most important ones longest", () => {
  for (let width = 12; width <= 200; width++) {
    const line = formatProgress(STATE, width), fields = fieldsOf(line);
    assert(line.length <= width, `${width}: ${line}`);
    assertEquals(fields, FIELDS.filter((field) => fields.includes(field)), `${width}`);
    if (width >= 39) { for (const needed of ["epoch 12", "loss 12.3457"]) assertStringIncludes(line, needed); }
    if (width >= 79) assert(fields.length >= 5, line);
  }
  assertEquals(fieldsOf(formatProgress(STATE, 39)), ["epoch 12", "loss 12.3457", "accuracy 98.8 %"]);
  assertEquals(fieldsOf(formatProgress(STATE, 200)), FIELDS);
  const together = formatProgress({ ...STATE, waiting: 0.123 }, 200);
  assertEquals(fieldsOf(together), [...FIELDS.slice(0, -1), "12 % waiting for ranks", FIELDS.at(-1)]);
  assertEquals(fieldsOf(formatProgress({ ...STATE, waiting: 0.123 }, 39)), [
    "epoch 12",
    "loss 12.3457",
    "accuracy 98.8 %",
  ]);
});

Deno.test("formatCount() and formatTuning() fit 40, 80 and 200 columns without breaking a number", () => {
  for (const width of [39, 79, 199]) {
    const count = formatCount("validating", 320, 10_000, 40, width),
      tuning = formatTuning(3, 40, "conv2d", 9, 60, width);
    for (const line of [count, tuning]) assert(line.length <= width, line);
    assertStringIncludes(count, "320/10000 images");
    assertStringIncludes(count, "20:10 left");
    assertEquals(count.includes("8.0 images/s"), width > 39);
    assertStringIncludes(tuning, "timing kernels 4/40");
  }
});
