/** The command line as people meet it: what it prints, which files it leaves, how it fails. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "../weights/mod.ts";
import { type Outcome, runCli, unwrapped, withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";

const SMALL = ["--model", "resnet8", "--batch", "8", "--backend", "cpu"];

async function expectError(args: readonly string[], code: number, ...parts: string[]): Promise<void> {
  checkError(await runCli(args), code, parts);
}

function checkError(outcome: Outcome, code: number, parts: readonly string[]): void {
  assertEquals(outcome.code, code, outcome.stderr);
  // A run of few steps warns of that before it fails.
  const lines = outcome.stderr.trim().split("\n").filter((line) => !/^warning: \d+ steps are few/.test(line));
  assertEquals(lines.length, 1, outcome.stderr);
  for (const part of ["error: ", ...parts]) assertStringIncludes(lines[0], part);
}

Deno.test("train leaves a run; eval measures it; a resumed run ends with the same bytes", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 24);
    const data = ["--data", folder, ...SMALL, "--lr", "0.01", "--schedule", "constant"];
    const whole = await runCli(["train", ...data, "--epochs", "2", "--out", `${folder}/whole`]);
    assertEquals(whole.code, 0, whole.stderr);
    assertMatch(whole.stdout, /epoch +loss [^]*\n +2\/2 +\d/);
    const lines = (await Deno.readTextFile(`${folder}/whole/metrics.jsonl`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(lines.map(({ kind }) => kind), ["step", "step", "step", "epoch", "step", "step", "step", "epoch"]);
    assertEquals(lines[4].step, 4);
    assert(lines[0].imagesPerSecond > 0);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/whole/config.json`)).model, "resnet8");

    await runCli(["train", ...data, "--epochs", "1", "--out", `${folder}/half`]);
    const resumed = await runCli(["train", "--resume", `${folder}/half`, "--epochs", "2"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertEquals(
      await Deno.readFile(`${folder}/half/last.safetensors`),
      await Deno.readFile(`${folder}/whole/last.safetensors`),
    );

    const logits = `${folder}/logits.json`;
    const evaluated = await runCli([
      "eval",
      "--checkpoint",
      `${folder}/whole`,
      "--data",
      folder,
      "--limit",
      "5",
      "--logits",
      logits,
      "--backend",
      "cpu",
    ]);
    assertEquals(evaluated.code, 0, evaluated.stderr);
    const written = JSON.parse(await Deno.readTextFile(logits));
    assertEquals(written.labels, [0, 1, 2, 3, 4]);
    assertEquals(written.logits.map((row: number[]) => row.length), [10, 10, 10, 10, 10]);
  }));

Deno.test("the overview has commands and what they do in two columns", async () => {
  const { stdout } = await runInProcess(["--help"]), lines = stdout.split("\n").filter((line) => line.startsWith("  "));
  assert(lines.length > 12, stdout);
  for (const line of lines) assertMatch(line, /^(?: {2}[a-z-]+ +| {14})(?<=^.{14})\S/, stdout);
});

Deno.test("wrong usage ends with 2 and a sentence", async () => {
  // A process takes half a second to start; the first and the last show that it ends as these do.
  const refused = async (args: readonly string[], code: number, ...parts: string[]) => {
    const outcome = await runInProcess(args);
    checkError({ ...outcome, stderr: unwrapped(outcome.stderr) }, code, parts);
  };
  await expectError(["train", "--epoch", "3"], 2, "--epoch", "did you mean --epochs?");
  await refused(["train", "--epochs", "many"], 2, "--epochs: expected a whole number of at least 1");
  await refused(["train", "--model", "resnet21"], 2, "6n + 2");
  await refused(["train", "--model", "plain20", "--shortcut", "A"], 2, "--shortcut: plain20 has no use for it");
  await refused(["train", "--model", "mobilenet_v2_cifar", "--zero-init"], 2, "--zero-init: mobilenet_v2_cifar");
  await refused(["train", "--deterministic", "--tune", "full"], 2, "--deterministic and --tune full exclude each");
  await refused(["train", "--patience", "3"], 2, "--patience: --schedule cosine has no use for it; plateau does");
  await refused(["train", "--schedule", "cosine", "--factor", "0.5"], 2, "step, plateau, exponential do");
  await refused(["train", "--rho", "0.5"], 2, "--rho: --optimizer sgd has no use for it; rmsprop does");
  await refused(
    ["train", "--optimizer", "adamw", "--momentum", "0.5"],
    2,
    "--momentum: --optimizer adamw has no use",
  );
  await refused(["train", "--sample", "balanced", "--no-shuffle"], 2, "--sample balanced and --no-shuffle exclude");
  await refused(["train", "--class-weights", "1,2"], 2, "--class-weights 1,2:", "there are 2 for 10 classes");
  await refused(["train", "--optimizer", "rmsprop", "--nesterov"], 2, "--nesterov: --optimizer rmsprop has no use");
  await refused(["train", "--warmup-lr", "0.01"], 2, "--warmup-lr: it is the rate of --warmup-until");
  await refused(["train", "--ema", "1"], 2, "--ema: expected a number of at least 0 and below 1");
  await refused(["trian"], 2, "did you mean train?");
  await expectError(["eval"], 2, "--checkpoint");
});

Deno.test("damaged data ends with 1 and a sentence", () =>
  withFolder(async (folder) => {
    await expectError(["train", "--data", `${folder}/none`], 1, "the data folder does not exist");
    await expectError(["train", "--data", folder], 1, "not recognised");
    await Deno.writeTextFile(`${folder}/file`, "");
    await expectError(["train", "--data", `${folder}/file`], 1, "a file that is no folder");
    await expectError(["train", "--out", `${folder}/file`], 1, "but it is a file");
    await writeCifar(folder, 16);
    const file = `${folder}/data_batch_1.bin`, bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.subarray(0, 5000));
    await expectError(["train", "--data", folder], 1, "data_batch_1.bin", "5000 bytes", "truncated");
    bytes[3073 * 3] = 77;
    await Deno.writeFile(file, bytes);
    await expectError(["train", "--data", folder], 1, "record 3 has the label 77", "0 to 9");
  }));

Deno.test("weights that do not fit, a diverging loss and a missing adapter end with 1 and a sentence", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const train = ["train", "--data", folder, ...SMALL, "--epochs", "1", "--out", `${folder}/other`];
    assertEquals((await runCli([...train.slice(0, -1), `${folder}/run`])).code, 0);
    const { tensors } = decodeSafetensors(await Deno.readFile(`${folder}/run/best.safetensors`), "best");
    const init = async (change: (copy: Map<string, NamedTensor>) => void) => {
      const copy = new Map(tensors);
      change(copy);
      await Deno.writeFile(`${folder}/init.safetensors`, encodeSafetensors(copy));
      return [...train, "--init", `${folder}/init.safetensors`];
    };
    await expectError(await init((copy) => copy.delete("fc.bias")), 1, "needs the tensor fc.bias");
    await expectError(
      await init((copy) => copy.set("odd", { shape: [1], data: new Float32Array(1) })),
      1,
      "holds the tensor odd",
    );
    await expectError(
      await init((copy) => copy.set("fc.bias", { shape: [2], data: new Float32Array(2) })),
      1,
      "fc.bias to be float32 [10]",
    );
    await Deno.writeFile(`${folder}/init.safetensors`, new Uint8Array(5));
    await expectError([...train, "--init", `${folder}/init.safetensors`], 1, "at least 8 bytes");
    await expectError([...train, "--lr", "1e30"], 1, "The loss became", "in epoch 1", "lower --lr");

    const none = {
      VK_ICD_FILENAMES: "/nonexistent.json",
      VK_DRIVER_FILES: "/nonexistent.json",
      DENO_WEBGPU_BACKEND: "vulkan",
    };
    const outcome = await runCli([...train, "--backend", "webgpu"], none);
    assertEquals(outcome.code, 1);
    assertMatch(unwrapped(outcome.stderr), /No WebGPU adapter was found, .*: install a Vulkan, .* driver/);
  }));

Deno.test("train --lr auto tests rates first, trains with what it found, and keeps that for a run that goes on", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 40);
    const run = `${folder}/run`, train = ["train", "--data", folder, "--model", "resnet8", "--backend", "cpu"];
    const args = [...train, "--threads", "1", "--batch", "8", "--lr", "auto"];
    // Neither the length of the run, nor what ends it or begins it otherwise, is the test's.
    const length = ["--steps", "10", "--stop-after", "1", "--early-stop", "3", "--head-epochs", "1"];
    const { code, stdout, stderr } = await runInProcess([...args, ...length, "--out", run]);
    assertEquals(code, 0, stderr);
    const [, text, steps] = /^a rate of ([\d.e-]+), found by a test of (\d+) steps \(--lr auto\)$/m.exec(
      unwrapped(stdout),
    )!;
    const rate = Number(text);
    assert(rate > 1e-4 && rate < 10 && Number(steps) > 10, stdout);
    const config = JSON.parse(await Deno.readTextFile(`${run}/config.json`));
    assertEquals([config.lr, config.given.includes("lr"), config.given.includes("steps")], [rate, false, true]);
    const again = await runInProcess(["train", "--resume", run, "--lr", "auto"]);
    assertEquals(again.code, 2);
    assertStringIncludes(again.stderr, `--lr was ${rate} and is auto now`);
    const resumed = await runInProcess(["train", "--resume", run]);
    assertEquals([resumed.code, /rate of/.test(resumed.stdout)], [0, false], resumed.stderr);
    await Deno.writeTextFile(`${run}/config.json`, JSON.stringify({ ...config, lr: "auto" }));
    const changed = await runInProcess(["train", "--resume", run]);
    assertEquals(changed.code, 1);
    assertStringIncludes(changed.stderr, 'lr is "auto", expected a number above 0;');
  }));

Deno.test("train --lr auto beats the rate of a recipe, which may say auto itself, and a wrong one of a recipe is named", () =>
  withFolder(async (folder) => {
    const recipe = `${folder}/own.json`;
    const printed = await runInProcess(["train", "--recipe", "he2015-cifar", "--print-recipe", "--lr", "auto"]);
    assertEquals(JSON.parse(printed.stdout).options.lr, { value: "auto", source: "given" });
    await writeCifar(folder, 16);
    await Deno.writeTextFile(recipe, JSON.stringify({ options: { lr: "auto", batch: 8, steps: 1, model: "resnet8" } }));
    const where = ["--data", folder, "--backend", "cpu", "--threads", "1", "--out", `${folder}/run`];
    const train = ["train", "--recipe", recipe, ...where];
    const { code, stdout, stderr } = await runInProcess(train);
    assertEquals([code, /^a rate of .* \(--lr auto\)$/m.test(unwrapped(stdout))], [0, true], stderr);
    await Deno.writeTextFile(recipe, JSON.stringify({ options: { lr: "fast" } }));
    assertStringIncludes((await runInProcess(train)).stderr, 'options.lr is "fast", expected a number above 0 or auto');
  }));
