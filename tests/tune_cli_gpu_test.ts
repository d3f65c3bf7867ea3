/** The command line's --tune and --deterministic on WebGPU, and the command that hands choices on. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openTuningFile } from "../cli/tuning/tune_option.ts";
import type { TunedChoice, WebGpuBackend } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";
import { compileInference } from "../inference/mod.ts";
import { Trainer } from "../train/mod.ts";
import { type Outcome, runCli, startCli, withFolder, writeCifar } from "./_cli.ts";
import { gpuTest } from "./_gpu.ts";
import { randomChoices } from "./_random_choices.ts";

const BATCH = 8;
const OPTIONS = ["--model", "resnet8", "--batch", `${BATCH}`, "--backend", "webgpu", "--lr", "0.01"];

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

/** Choices at random for all that a run of the command line may choose. */
async function choicesOf(backend: WebGpuBackend): Promise<Map<string, TunedChoice>> {
  const model = modelByName("resnet8", { classes: 10, inputShape: [3, 32, 32] });
  const trainer = await Trainer.create({ model, backend, batch: BATCH });
  const inference = await compileInference(model, backend, BATCH, trainer.variables);
  const plans = [trainer.program.plan, inference.plan];
  inference.destroy();
  trainer.destroy();
  return new Map(plans.flatMap((plan) => [...randomChoices(backend, plan, 1)]));
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
      await writeCifar(folder, 24);
      const env = environment(folder);
      const train = (out: string, ...args: string[]) =>
        expectDone(
          runCli(["train", "--data", folder, ...OPTIONS, "--epochs", "1", "--out", `${folder}/${out}`, ...args], env),
        );
      await train("first", "--deterministic");
      openTuningFile(backend.tuner, `${folder}/residua`).add(await choicesOf(backend));
      await train("second", "--deterministic");
      const first = await resultOf(`${folder}/first`);
      assertEquals(await resultOf(`${folder}/second`), first);
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
      await writeCifar(folder, 24);
      const env = environment(folder), choices = await choicesOf(backend), cache = `${folder}/residua`;
      const missing = [...choices.keys()].find((key) => key.startsWith("linear("))!;
      openTuningFile(backend.tuner, cache).add([...choices].filter(([key]) => key !== missing));
      const data = ["train", "--data", folder, ...OPTIONS, "--tune", "full"];
      const whole = await expectDone(runCli([...data, "--epochs", "2", "--out", `${folder}/whole`], env));
      assertEquals(whole.stderr, "");
      const known = openTuningFile(backend.tuner, cache);
      assertEquals(known.table.size, choices.size);
      for (const [key, choice] of choices) if (key !== missing) assertEquals(known.get(key), choice);
      assert(backend.tuner.identity.length > 0 && known.get(missing) !== undefined);

      await expectDone(runCli([...data, "--epochs", "1", "--out", `${folder}/half`], env));
      known.clear();
      await expectDone(runCli(["train", "--resume", `${folder}/half`, "--epochs", "2"], env));
      assertEquals(openTuningFile(backend.tuner, cache).table.size, 0);
      assertEquals((await resultOf(`${folder}/half`)).last, (await resultOf(`${folder}/whole`)).last);
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
      assertMatch(written.stdout, new RegExp(`: ${before.length} choices of kernels in .*residua/tuning .*\\.json`));
      openTuningFile(backend.tuner, cache).set("no longer asked for", before[0][1]);
      await expectDone(runCli(["tune", "--clear", "--import", file], env));
      assertEquals(openTuningFile(backend.tuner, cache).table.entries(), before);

      await writeCifar(folder, 16);
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
    await using running = startCli(["tune", "--model", "resnet8", "--batch", "2"], env);
    while (openTuningFile(backend.tuner, cache).table.size < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    const { code, stdout, stderr } = await running.end("SIGINT");
    assertEquals(code, 0, stderr);
    const [, count] = stdout.match(/: (\d+) choices/)!, { size } = openTuningFile(backend.tuner, cache).table;
    assertEquals(Number(count), size);
    assert(size >= 2 && size < (await choicesOf(backend)).size, `${size}`);
    assertEquals(stderr.trim().split("\n"), ["Keeping what was timed so far; interrupt again to leave at once."]);
  }));
