import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CpuBackend, UsageError } from "../core/mod.ts";
import { MemoryDataset } from "../data/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { fit, type FitOptions, traceStep } from "../train/mod.ts";
import { testWhole } from "./_all.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { checkClassWeights } from "./_class_weights.ts";
import { runInProcess } from "./_in_process.ts";
import { checkResume } from "./_resume.ts";
import { randomSet } from "./_runs.ts";
import { assertSame } from "./_same.ts";

Deno.test("the loss with weights of classes and its gradient are PyTorch's", () => checkClassWeights(new CpuBackend()));

/** Noise of which two thirds are of the first class. */
function unequalSet() {
  const set = randomSet(39), { pixels } = set.train;
  return {
    ...set,
    train: new MemoryDataset(set.shape, pixels, Uint8Array.from({ length: 39 }, (_, i) => i < 26 ? 0 : i < 37 ? 1 : 2)),
  };
}

const set = unequalSet(), model = cifarResNet({ depth: 8, classes: 3, inputShape: set.shape });

Deno.test("fit() weighs classes alike by their counts, and draws them alike", async () => {
  const base: FitOptions = { model, backend: new CpuBackend(), set, epochs: 1, batch: 13, rate: 0.01 };
  const plain = await fit(base), balanced = await fit({ ...base, classWeights: "balanced" });
  assertEquals(
    balanced.tensors,
    (await fit({ ...base, classWeights: [39 / (3 * 26), 39 / (3 * 11), 39 / (3 * 2)] })).tensors,
  );
  const drawn = await fit({ ...base, sample: "balanced" });
  const weights = [plain, balanced, drawn].map(({ tensors }) => tensors.get("fc.weight")!.data.join());
  assertEquals(new Set(weights).size, 3);
});

Deno.test("fit() with weights of classes and drawn images goes on from stops with the same bits", () =>
  checkResume(new CpuBackend(), [3, 8, 15], { set, classWeights: "balanced", sample: "balanced", accumulate: 2 }));

Deno.test("traceStep() refuses weights that are not one above 0 for each class", () => {
  const trace = (classWeights: number[]) => () => traceStep({ model, batch: 2, classWeights });
  assertThrows(trace([1, 2]), UsageError, "there are 2 for 3 classes");
  assertThrows(trace([1, 0, 2]), UsageError, "that of class 1 is 0");
  assertThrows(trace([1, 2, NaN]), UsageError, "that of class 2 is NaN");
});

testWhole(
  "train weighs by a file, ends early and says so, and goes on to the same bytes once the file has changed",
  () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 24);
      const file = `${folder}/weights.json`, weights = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
      await Deno.writeTextFile(file, JSON.stringify(weights));
      // deno-fmt-ignore
      const start = [
      "train", "--data", folder, "--model", "resnet8", "--batch", "8", "--backend", "cpu", "--threads", "1", "--early-stop", "2",
      "--optimizer", "adamw", "--schedule", "constant", "--sample", "balanced", "--class-weights", file, "--epochs",
    ];
      const run = async (...args: string[]) => {
        const { code, stdout, stderr } = await runInProcess(args);
        assertEquals(code, 0, stderr);
        return stdout;
      };
      const whole = `${folder}/whole`, parts = `${folder}/parts`, ended = await run(...start, "60", "--out", whole);
      const [, last, better] = ended.match(
        /^Stopped early after epoch (\d+): no validation since that of epoch (\d+) was better;/m,
      )!;
      assertEquals(Number(last) - Number(better), 2);
      assertMatch(ended, new RegExp(`^ *${last}/60 `, "m"));
      await run(...start, "60", "--steps", "2", "--out", parts);
      await Deno.writeTextFile(file, JSON.stringify(weights.toReversed()));
      const { "class-weights": kept, lr } = JSON.parse(await Deno.readTextFile(`${parts}/config.json`));
      assertEquals([kept, lr], [weights.join(), 0.001]);
      assertMatch(await run("train", "--resume", parts, "--epochs", "60"), /Stopped early after epoch/);
      for (const name of ["last.safetensors", "best.safetensors"]) {
        assertSame(await Deno.readFile(`${parts}/${name}`), await Deno.readFile(`${whole}/${name}`), name);
      }
    }),
);
