/** The command line's --tune and --deterministic on WebGPU, and the command that hands choices on. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openTuningFile } from "../cli/tuning/tune_option.ts";
import { parseKernelTable, shapeClass, type TunedChoice, TuningTable, type WebGpuBackend } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { besideFewSteps, type Outcome, runCli, startCli, withFolder, writeCifar } from "./_cli.ts";
import { gpuTest } from "./_gpu.ts";
import { fewRandomChoices } from "./_random_choices.ts";
import { assertSame } from "./_same.ts";

const BATCH = 8;
const OPTIONS = [
  "--model",
  "resnet8",
  "--batch",
  `${BATCH}`,
  "--backend",
  "webgpu",
  "--lr",
  "0.01",
  "--schedule",
  "constant",
];

/** What keeps the caches of Deno and Mesa where they are, and puts the tuner's into a folder. */
function environment(folder: string): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return {
    XDG_CACHE_HOME: folder,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${cache}/deno`,
    MESA_SHADER_CACHE_DIR: Deno.env.get("MESA_SHADER_CACHE_DIR") ?? cache,
  };
}

async function expectDone(outcome: Promise<Outcome>): Promise<Outcome> {
  const done = await outcome;
  assertEquals(done.code, 0, done.stderr);
  return done;
}

/** Choices for all that a run of the command line may choose, some at random. */
async function choicesOf(backend: WebGpuBackend, batch = BATCH): Promise<Map<string, TunedChoice>> {
  const model = modelByName("resnet8", { classes: 10, inputShape: [3, 32, 32] });
  const trainer = await Trainer.create({ model, backend, batch });
  const inference = await compileInference(model, backend, batch, trainer.variables);
  const plans = [trainer.program.plan, inference.plan];
  inference.destroy();
  trainer.destroy();
  return new Map(plans.flatMap((plan) => [...fewRandomChoices(backend, plan, 1)]));
}

/** Puts choices for the convolutions of `tune --model resnet8 --batch 2` into the cache; how many, and how many there are in all. */
async function knowConvolutions(backend: WebGpuBackend, cache: string): Promise<{ known: number; all: number }> {
  const choices = await choicesOf(backend, 2), known = [...choices].filter(([key]) => key.startsWith("conv2d"));
  openTuningFile(backend.tuner, cache).add(known);
  return { known: known.length, all: choices.size };
}

/** What a run computed: the bytes of its checkpoints, and its metrics without times. */
async function resultOf(run: string) {
  const lines = (await Deno.readTextFile(`${run}/metrics.jsonl`)).trim().split("\n").map((line) => {
    const { imagesPerSecond: _rate, seconds: _seconds, ...rest } = JSON.parse(line);
    return rest;
  });
  const read = (name: string) => Deno.readFile(`${run}/${name}.safetensors`);
  return { lines, last: await read("last"), best: await read("best") };
}

gpuTest(
  "two runs with --deterministic leave the same bytes, whatever was timed before",
  (backend) =>
    withFolder(async (folder) => {
      await writeCifar(folder, 3 * BATCH);
      const env = environment(folder);
      const train = (out: string, ...args: string[]) =>
        expectDone(
          runCli(["train", "--data", folder, ...OPTIONS, "--epochs", "1", "--out", `${folder}/${out}`, ...args], env),
        );
      await train("first", "--deterministic");
      openTuningFile(backend.tuner, `${folder}/residua`).add(await choicesOf(backend));
      await train("second", "--deterministic");
      const first = await resultOf(`${folder}/first`);
      assertSame(await resultOf(`${folder}/second`), first);
      await train("cached", "--tune", "cache");
      const cached = await resultOf(`${folder}/cached`);
      // Other kernels round otherwise, so this shows that they ran; and they compute the same.
      assert(cached.last.some((byte, k) => byte !== first.last[k]), "the choices were not taken");
      first.lines.slice(0, 3).forEach(({ loss }, k) => {
        assert(
          Math.abs(cached.lines[k].loss - loss) < 1e-3 * loss,
          `step ${k + 1}: ${cached.lines[k].loss} and ${loss}`,
        );
      });
    }),
);

gpuTest(
  "--tune full times what is unknown, and a run goes on with the kernels it was begun with",
  (backend) =>
    withFolder(async (folder) => {
      await writeCifar(folder, 3 * BATCH);
      const env = environment(folder), choices = await choicesOf(backend), cache = `${folder}/residua`;
      const missing = [...choices.keys()].find((key) => key.startsWith("linear("))!;
      openTuningFile(backend.tuner, cache).add([...choices].filter(([key]) => key !== missing));
      const data = ["train", "--data", folder, ...OPTIONS, "--tune", "full"];
      const whole = await expectDone(runCli([...data, "--epochs", "2", "--out", `${folder}/whole`], env));
      assertEquals(besideFewSteps(whole.stderr), "");
      const known = openTuningFile(backend.tuner, cache);
      assertEquals(known.table.size, choices.size);
      for (const [key, choice] of choices) if (key !== missing) assertEquals(known.get(key), choice);
      assert(backend.tuner.identity.length > 0 && known.get(missing) !== undefined);

      await expectDone(runCli([...data, "--epochs", "1", "--out", `${folder}/half`], env));
      known.clear();
      await expectDone(runCli(["train", "--resume", `${folder}/half`, "--epochs", "2"], env));
      assertEquals(openTuningFile(backend.tuner, cache).table.size, 0);
      assertSame((await resultOf(`${folder}/half`)).last, (await resultOf(`${folder}/whole`)).last);
    }),
);

gpuTest(
  "tune hands choices on as a file, which eval takes and others refuse",
  (backend) =>
    withFolder(async (folder) => {
      const env = environment(folder), file = `${folder}/choices.json`, cache = `${folder}/residua`;
      const none = await runCli(["tune", "--export", file], env);
      assertEquals(none.code, 2);
      assertStringIncludes(none.stderr, "there are no choices yet");
      openTuningFile(backend.tuner, cache).add(await choicesOf(backend));
      const before = openTuningFile(backend.tuner, cache).table.entries();
      const written = await expectDone(runCli(["tune", "--export", file], env));
      assertMatch(written.stdout, new RegExp(`: ${before.length} choices of kernels in\n  .*residua/tuning .*\\.json`));
      openTuningFile(backend.tuner, cache).set("no longer asked for", before[0][1]);
      await expectDone(runCli(["tune", "--clear", "--import", file], env));
      assertEquals(openTuningFile(backend.tuner, cache).table.entries(), before);

      await writeCifar(folder, 2 * BATCH);
      await expectDone(
        runCli(["train", "--data", folder, ...OPTIONS, "--steps", "1", "--tune", file, "--out", `${folder}/run`], env),
      );
      const evaluate = ["eval", "--checkpoint", `${folder}/run`, "--data", folder, "--backend", "webgpu", "--json"];
      const tuned = await expectDone(runCli([...evaluate, "--batch", `${BATCH}`, "--tune", file], env));
      assertEquals(JSON.parse(tuned.stdout).loss, (await resultOf(`${folder}/run`)).lines.at(-1).valLoss);

      await Deno.writeTextFile(file, "{}");
      const damaged = await runCli([...evaluate, "--tune", file], env);
      assertEquals([damaged.code, damaged.stdout], [1, ""]);
      assertStringIncludes(damaged.stderr, `${file}: expected choices of kernels`);
      const mistyped = await runCli([...evaluate, "--tune", "ful"], env);
      assertEquals(mistyped.code, 2);
      assertStringIncludes(mistyped.stderr, 'there is no "ful"; did you mean full?');
    }),
);

gpuTest("an interrupt ends the timing, and keeps what was timed", (backend) =>
  withFolder(async (folder) => {
    const env = environment(folder), cache = `${folder}/residua`;
    const { known, all } = await knowConvolutions(backend, cache),
      sizeOf = () => openTuningFile(backend.tuner, cache).table.size;
    await using running = startCli(["tune", "--model", "resnet8", "--batch", "2"], env);
    while (sizeOf() < known + 2) await new Promise((resolve) => setTimeout(resolve, 50));
    const { code, stdout, stderr } = await running.end("SIGINT");
    assertEquals(code, 0, stderr);
    const [, count] = stdout.match(/: (\d+) choices/)!, size = sizeOf();
    assertEquals(Number(count), size);
    assert(size >= known + 2 && size < all, `${size} of ${all}`);
    assertEquals(stderr.trim().split("\n"), ["Keeping what was timed so far; interrupt again to leave at once."]);
  }));

gpuTest("tune writes a table for devices of a kind, which eval takes", (backend) =>
  withFolder(async (folder) => {
    const env = environment(folder),
      file = `${folder}/table.json`,
      cache = openTuningFile(backend.tuner, `${folder}/residua`);
    const none = await runCli(["tune", "--table", file], env);
    assertEquals(none.code, 2);
    assertStringIncludes(none.stderr, "--table: there are no choices yet");
    const alone = await runCli(["tune", "--for", "vendor"], env);
    assertEquals(alone.code, 2);
    assertStringIncludes(alone.stderr, "expected --table too");
    // The tuner measures an op; the table gives its class another variant than would run anyhow.
    const model = modelByName("resnet8", { classes: 10, inputShape: [3, 32, 32] });
    const trainer = await Trainer.create({ model, backend, batch: BATCH });
    const inference = await compileInference(model, backend, BATCH, trainer.variables);
    const node = inference.plan.nodes.find(({ op }) => op.name === "conv2d")!;
    inference.destroy();
    trainer.destroy();
    const { variants, index } = backend.policy.explain(node);
    const { name, family, version, configuration } = variants[(index + 1) % variants.length];
    const kernel = `${family}@${version}`, key = shapeClass(node);
    cache.set("an op", { variant: name, kernels: "0", kernel, configuration, shapeClass: key, saved: 1e-3 });
    const written = await expectDone(runCli(["tune", "--table", file, "--for", "vendor"], env));
    assertStringIncludes(written.stdout, `A table for ${backend.profile.vendor} of 1 classes of shapes`);
    const table = parseKernelTable(await Deno.readTextFile(file), file);
    assertEquals(table.choices, { [key]: { kernel, configuration } });

    await writeCifar(folder, 3 * BATCH);
    const data = ["train", "--data", folder, ...OPTIONS, "--epochs", "1"];
    await expectDone(runCli([...data, "--out", `${folder}/usual`], env));
    const tabled = await expectDone(runCli([...data, "--tune", file, "--out", `${folder}/tabled`], env));
    assertEquals(besideFewSteps(tabled.stderr), "");
    // The run keeps what the table chose.
    const used = TuningTable.parse(await Deno.readTextFile(`${folder}/tabled/tuning.json`), "tuning.json").entries();
    assertEquals(used.map(([, { variant }]) => variant), [name]);
    await Deno.writeTextFile(file, JSON.stringify({ ...table, device: "another" }));
    const evaluate = ["eval", "--checkpoint", `${folder}/tabled`, "--data", folder, "--backend", "webgpu", "--json"];
    const other = await expectDone(runCli([...evaluate, "--tune", file], env));
    assertStringIncludes(other.stderr, `${file} is for another, but this adapter is ${backend.profile.name}`);
  }));

gpuTest("tune --seconds ends the timing, and keeps what was timed", (backend) =>
  withFolder(async (folder) => {
    const env = environment(folder);
    const missing = await runCli(["tune", "--seconds", "5"], env);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, "expected --model too");
    const cache = `${folder}/residua`, { known, all } = await knowConvolutions(backend, cache);
    let size = known;
    // How long it takes to compile the model depends on what else the machine does: the least time in which something is timed.
    for (let seconds = 4; size === known && seconds < 100; seconds *= 3) {
      const { stdout } = await expectDone(
        runCli(["tune", "--model", "resnet8", "--batch", "2", "--seconds", `${seconds}`], env),
      );
      size = openTuningFile(backend.tuner, cache).table.size;
      assertStringIncludes(stdout, `: ${size} choices`);
    }
    assert(size > known && size < all, `${size} of ${all}`);
  }));
