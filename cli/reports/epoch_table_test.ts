import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { EpochTable } from "./epoch_table.ts";

function event(epoch: number, random: Random) {
  const validation = { loss: 3 * random.uniform(), top1: random.uniform(), top5: 1, confusion: [] };
  const rate = 10 ** -Math.floor(9 * random.uniform()), seconds = 9000 * random.uniform() ** 4;
  const trainLoss = 3 * random.uniform(), trainTop1 = random.uniform();
  return { epoch, trainLoss, trainTop1, validation, isBest: false, rate, seconds };
}

Deno.test("EpochTable aligns its columns at 40, 80 and 200 characters, and keeps the most important", () => {
  for (const width of [40, 80, 200]) {
    const random = new Random(width, "epochs"), table = new EpochTable(120), lines: string[] = [];
    for (let epoch = 0; epoch < 120; epoch++) lines.push(...table.line(event(epoch, random), width).split("\n"));
    assertEquals(lines.length, 121);
    assertEquals(new Set(lines.map((line) => line.length)).size, 1);
    assert(lines[0].length <= width, lines[0]);
    for (const name of ["epoch", "loss", "accuracy", "val acc"]) assertStringIncludes(lines[0], name);
    assertEquals(lines[0].includes("time"), width > 40);
  }
});

Deno.test("EpochTable writes figures as they are, and its header anew where a terminal was resized", () => {
  const table = new EpochTable(30), validation = { loss: 1.25, top1: 0.5, top5: 1, confusion: [] };
  const first = { epoch: 8, trainLoss: 2, trainTop1: 1, validation, isBest: true, rate: 0.05, seconds: 6.88 };
  assertEquals(
    table.line(first, 80),
    "epoch     loss  accuracy  val loss   val acc         lr     time\n" +
      " 9/30   2.0000  100.00 %    1.2500   50.00 %       0.05    6.9 s",
  );
  const next = { ...first, epoch: 9, rate: 1 / 3e7, seconds: 4000 };
  assertEquals(table.line(next, 80), "10/30   2.0000  100.00 %    1.2500   50.00 %   3.333e-8  1:06:40");
  // Of a run that diverges, whose columns stay where they are.
  const high = { ...first, epoch: 10, trainLoss: 6_012_954_660.7281, validation: { ...validation, loss: 1.1665e25 } };
  assertEquals(table.line(high, 80), "11/30  6.01e+9  100.00 %  1.17e+25   50.00 %       0.05    6.9 s");
  const some = { ...high, trainLoss: 123.456, validation: { ...validation, loss: 9876.543 } };
  assertEquals(table.line(some, 80), "11/30   123.46  100.00 %   9876.54   50.00 %       0.05    6.9 s");
  assertEquals(table.line(next, 40).split("\n").length, 2);
});
