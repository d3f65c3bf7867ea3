/** Files of a run that were changed are refused in a sentence: which file, which field, what was expected, what to do. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../weights/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";

const RUN = ["--model", "resnet8", "--batch", "8", "--backend", "cpu", "--threads", "1", "--no-progress"];

/** A run of two epochs that was changed by hand. */
async function withRun(check: (run: string, resume: readonly string[]) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const run = `${folder}/run`;
    const { code, stderr } = await runInProcess(["train", "--data", folder, ...RUN, "--epochs", "2", "--out", run]);
    assertEquals(code, 0, stderr);
    await check(run, ["train", "--resume", run, "--epochs", "3", "--no-progress"]);
  });
}

async function refuses(args: readonly string[], code: number, ...parts: readonly string[]): Promise<void> {
  const outcome = await runInProcess(args);
  assertEquals(outcome.code, code, outcome.stderr);
  assertMatch(outcome.stderr, /^error: [^\n]+\n$/);
  for (const part of parts) assertStringIncludes(outcome.stderr, part);
}

async function editConfig(run: string, change: (config: Record<string, unknown>) => unknown): Promise<string> {
  const path = `${run}/config.json`, text = await Deno.readTextFile(path), config = JSON.parse(text);
  await Deno.writeTextFile(path, JSON.stringify(change(config) ?? config));
  return text;
}

Deno.test("train --resume names the field of a config.json that was changed", () =>
  withRun(async (run, resume) => {
    const changes: readonly (readonly [(config: Record<string, unknown>) => unknown, ...string[]])[] = [
      [(config) => void (config.lr = null), "lr is null, expected a number above 0"],
      [(config) => void delete config.lr, "lr is missing"],
      [(config) => void (config.lr = "0x10"), 'lr is "0x10", expected a number'],
      [(config) => void (config.batch = 2.5), "batch is 2.5, expected a whole number from 1 to 65536"],
      [(config) => void (config.nesterov = "true"), 'nesterov is "true", expected true or false'],
      [(config) => void (config.schedule = "stop"), 'schedule is "stop", expected one of'],
      [(config) => void (config.model = "resnet14"), "model is resnet14, but", "last.safetensors is of resnet8"],
      [() => [], "the whole is [], expected an object"],
      [() => 7, "the whole is 7, expected an object"],
    ];
    for (const [change, ...parts] of changes) {
      const text = await editConfig(run, change);
      await refuses(
        resume,
        1,
        `${run}/config.json: ${parts[0]}`,
        ...parts,
        "put back what it said, or start a new run",
      );
      await Deno.writeTextFile(`${run}/config.json`, text);
    }
    // Of a version from before an option was there, the default is taken, and a line says so.
    await editConfig(run, (config) => void delete config["label-smoothing"]);
    const { code, stderr } = await runInProcess(resume);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `note: ${run}/config.json does not say --label-smoothing, so the defaults are taken`);
  }));

Deno.test("train --resume names the line of a metrics.jsonl, and the field of a checkpoint, that makes no sense", () =>
  withRun(async (run, resume) => {
    const metrics = `${run}/metrics.jsonl`, text = await Deno.readTextFile(metrics);
    await Deno.writeTextFile(metrics, `${text}null\n`);
    await refuses(resume, 1, `${metrics}: a line is null, expected an object, in line 7; take that line out`);
    await Deno.writeTextFile(metrics, text);

    const last = `${run}/last.safetensors`, { tensors, info } = decodeCheckpoint(await Deno.readFile(last), last);
    const progress = info!.progress!;
    for (
      const [part, told] of [
        [{ epochs: 1e6 }, "progress.steps is 4, expected 2000000 to 2000002"],
        [{ epochs: -1 }, "progress.epochs is -1, expected a whole number of at least 0"],
        [{ batch: "8" }, 'progress.batch is "8", expected a whole number of at least 1'],
      ] as const
    ) {
      const changed = { ...info!, progress: { ...progress, ...part } } as unknown as typeof info;
      await Deno.writeFile(last, encodeCheckpoint(tensors, changed!));
      await Deno.remove(`${run}/previous.safetensors`).catch(() => {});
      await refuses(resume, 1, `${last}: ${told}`, "--init");
    }
  }));

Deno.test("a flipped bit of a checkpoint is found and named; a run goes on from the checkpoint before", () =>
  withRun(async (run, resume) => {
    for (const name of ["last", "best"]) {
      const path = `${run}/${name}.safetensors`, bytes = await Deno.readFile(path);
      bytes[bytes.length - 1000] ^= 1;
      await Deno.writeFile(path, bytes);
    }
    const told = /best\.safetensors: the tensor \S+ is not what was written, as its checksum tells/;
    for (const command of [["eval"], ["export", "--out", `${run}/out.onnx`]]) {
      const { code, stderr } = await runInProcess([...command, "--checkpoint", run]);
      assertEquals(code, 1);
      assertMatch(stderr, told);
    }
    const { code, stdout, stderr } = await runInProcess(resume);
    assertEquals(code, 0, stderr);
    assertMatch(
      stderr,
      /warning: .*last\.safetensors: the tensor \S+ is not what was written.*; went back to the one before it/,
    );
    assertStringIncludes(stdout, "Going on after 2 steps, in epoch 2");
  }));

Deno.test("--out refuses a folder in which the best checkpoint of another run is all that is left", () =>
  withRun(async (run, resume) => {
    const best = await Deno.readFile(`${run}/best.safetensors`), data = run.replace(/\/run$/, "");
    for (const name of ["last", "previous"]) await Deno.remove(`${run}/${name}.safetensors`);
    for (const args of [["train", "--data", data, ...RUN, "--epochs", "1", "--out", run], resume]) {
      await refuses(args, 1, `${run} holds the best.safetensors of a run whose last.safetensors is gone`, "--init");
    }
    assertEquals(await Deno.readFile(`${run}/best.safetensors`), best);
  }));

Deno.test("weights that are not finite are refused by every command that would use them, with the tensor's name", () =>
  withRun(async (run) => {
    const best = `${run}/best.safetensors`, { tensors, info } = decodeCheckpoint(await Deno.readFile(best), best);
    const bare = `${run}/bare.safetensors`, data = run.replace(/\/run$/, ""), image = `${data}/image.png`;
    tensors.get("layer1.0.conv1.weight")!.data[7] = NaN;
    await Deno.writeFile(best, encodeCheckpoint(tensors, info!));
    await Deno.copyFile(best, bare);
    await Deno.writeFile(image, new Uint8Array(9));
    const told = "the tensor layer1.0.conv1.weight holds NaN at element 7";
    const out = ["--out", `${data}/made`];
    for (
      const args of [
        ["eval", "--checkpoint", run],
        ["predict", "--checkpoint", best, image],
        ["export", "--checkpoint", run, ...out],
        ["export", "--checkpoint", run, "--format", "safetensors", ...out],
        ["train", "--data", data, ...RUN, "--init", bare, ...out],
      ]
    ) await refuses(args, 1, told, "take an earlier checkpoint");
    assert(!await Deno.stat(`${data}/made`).then(() => true, () => false), "nothing was written");
  }));

Deno.test("weights that are finite, and too large to compute with, give an error and no figures", () =>
  withRun(async (run) => {
    const best = `${run}/best.safetensors`, { tensors, info } = decodeCheckpoint(await Deno.readFile(best), best);
    const folder = run.replace(/\/run$/, ""), image = `${folder}/image.png`;
    await sharp(new Uint8Array(32 * 32 * 3), { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(image);
    tensors.get("fc.weight")!.data.fill(3e38);
    await Deno.writeFile(best, encodeCheckpoint(tensors, info!));
    await refuses(["eval", "--checkpoint", run, "--backend", "cpu"], 1, `${best}: the loss is `, "not finite");
    const predict = ["predict", "--checkpoint", best, "--backend", "cpu", "--json", image];
    await refuses(predict, 1, "The logits of image 0 are not finite");
    // Batch norm is folded by the square root of the variance.
    tensors.get("bn1.running_var")!.data[3] = -1;
    await Deno.writeFile(best, encodeCheckpoint(tensors, info!));
    await refuses(["export", "--checkpoint", run, "--out", `${folder}/made.onnx`], 1, best, "holds NaN at element");
  }));
