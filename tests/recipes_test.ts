/** The recipes are what the papers say: rates at every iteration, networks, first losses; and they can be edited. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { chooseValues } from "../cli/options/chosen_values.ts";
import { openRecipe, RECIPES, recipeValues } from "../cli/options/recipes.ts";
import { resolveOptions } from "../cli/options/parse_options.ts";
import { TRAIN_OPTIONS, trainingOptions } from "../cli/options/train_options.ts";
import { elementCount, f32, Graph, ResiduaError } from "../core/mod.ts";
import { type ImageSet, MemoryDataset } from "../data/mod.ts";
import { modelByName } from "../models/mod.ts";
import { createSchedule, type Schedule, type ScheduleName } from "../train/mod.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { runInProcess } from "./_in_process.ts";

/** The steps of an epoch of CIFAR-10's 45,000 training images, the other 5,000 being the paper's validation. */
const STEPS_PER_EPOCH = 351;
/** As many images, of a pixel each. */
const CIFAR: ImageSet = {
  name: "cifar",
  classes: Array.from({ length: 10 }, (_, k) => `${k}`),
  shape: [1, 1, 1],
  train: new MemoryDataset([1, 1, 1], new Uint8Array(45_000), new Uint8Array(45_000)),
  validation: new MemoryDataset([1, 1, 1], new Uint8Array(5000), new Uint8Array(5000)),
  mirrorable: true,
};

async function scheduleOf(name: string): Promise<{ schedule: Schedule; steps: number }> {
  const recipe = recipeValues(await openRecipe(name, {})), steps = recipe.steps as number;
  const { values } = await chooseValues(resolveOptions(TRAIN_OPTIONS, {}, recipe), new Set(Object.keys(recipe)), CIFAR);
  const options = trainingOptions(values, STEPS_PER_EPOCH);
  const schedule = createSchedule({
    ...options,
    schedule: options.schedule as ScheduleName,
    rate: values.lr,
    epochs: Math.ceil(steps / STEPS_PER_EPOCH),
    stepsPerEpoch: STEPS_PER_EPOCH,
    steps,
  });
  return { schedule, steps };
}

Deno.test("he2015-cifar has the paper's rate at every one of its 64,000 iterations", async () => {
  const { schedule, steps } = await scheduleOf("he2015-cifar");
  assertEquals(steps, 64_000);
  for (let step = 0; step < steps; step++) {
    const expected = step < 32_000 ? 0.1 : step < 48_000 ? 0.01 : 0.001;
    assert(Math.abs(schedule.rate(step) - expected) < 1e-15, `iteration ${step}: ${schedule.rate(step)}`);
  }
});

Deno.test("he2015-cifar-110 trains at 0.01 until the training error is under 80 %, then as the others", async () => {
  const { schedule, steps } = await scheduleOf("he2015-cifar-110");
  for (let step = 0; step < steps; step++) {
    const expected = step < 400 ? 0.01 : step < 32_000 ? 0.1 : step < 48_000 ? 0.01 : 0.001;
    assert(Math.abs(schedule.rate(step) - expected) < 1e-15, `iteration ${step}: ${schedule.rate(step)}`);
    schedule.hear!({ error: step < 350 ? 0.85 : 0.79 });
  }
});

Deno.test("he2015-cifar's networks have the parameters that the paper's have", async () => {
  const { shortcut } = recipeValues(await openRecipe("he2015-cifar", {})) as { shortcut: "A" };
  for (const [depth, parameters] of [[20, 269_722], [32, 464_154], [44, 658_586], [56, 853_018], [110, 1_727_962]]) {
    const model = modelByName(`resnet${depth}`, { classes: 10, shortcut }), graph = new Graph();
    model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
    const count = graph.parameters.reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
    assertEquals(count, parameters, `ResNet-${depth}`);
  }
});

Deno.test("recipes set what options take, and give each value a source", () => {
  for (const recipe of RECIPES) {
    const values = recipeValues(recipe);
    resolveOptions(TRAIN_OPTIONS, {}, values);
    modelByName(values.model as string, {});
    assert(Object.values(recipe.options).every(({ source }) => source.length > 10), recipe.recipe);
  }
  assertEquals(recipeValues(RECIPES.find(({ recipe }) => recipe === "mobilenetv2")!).epsilon, 1);
});

Deno.test("a recipe is printed, edited, passed back and trained by; options given beside it count more", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const printed = await runInProcess(["train", "--recipe", "he2015-cifar-110", "--print-recipe", "--batch", "16"]);
    const recipe = JSON.parse(printed.stdout), file = `${folder}/mine.json`;
    assertEquals(recipe.options.batch, { value: 16, source: "given" });
    assertStringIncludes(recipe.options["warmup-until"].source, "section 4.2");
    recipe.options["label-smoothing"] = 0.1;
    recipe.options.model = { value: "resnet20", source: "it is faster" };
    await Deno.writeTextFile(file, JSON.stringify(recipe));

    const train = ["train", "--recipe", file, "--data", folder, "--backend", "cpu", "--momentum", "0.8", "--out"];
    const { code, stderr } = await runInProcess([...train, `${folder}/run`, "--steps", "1"]);
    assertEquals(code, 0, stderr);
    const config = JSON.parse(await Deno.readTextFile(`${folder}/run/config.json`));
    assertEquals([config.steps, config.model, config.momentum, config["label-smoothing"]], [1, "resnet20", 0.8, 0.1]);
    assertEquals([config.shortcut, config.milestones, config.decay], ["A", [32_000, 48_000], "all"]);
    const [step] = (await Deno.readTextFile(`${folder}/run/metrics.jsonl`)).split("\n").map((line) =>
      line && JSON.parse(line)
    );
    assertEquals(step.lr, 0.01);
    // What a network that knows nothing of ten classes has.
    assertAlmostEquals(step.loss, Math.log(10), 0.5);

    recipe.options.milstones = recipe.options.milestones;
    await Deno.writeTextFile(file, JSON.stringify(recipe));
    assertMatch(
      (await runInProcess([...train, `${folder}/b`])).stderr,
      /cannot set milstones; did you mean milestones\?/,
    );
    await Deno.writeTextFile(file, "{");
    assertMatch((await runInProcess([...train, `${folder}/c`])).stderr, /mine\.json: the recipe is not JSON/);
    const unknown = await runInProcess(["train", "--recipe", "he2015-cifr"]);
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.stderr, "did you mean he2015-cifar?");
  }));

Deno.test("a recipe of something else is refused with its file, its option, and what was expected", () =>
  withFolder(async (folder) => {
    const file = `${folder}/mine.json`;
    const wrong: readonly (readonly [string, string])[] = [
      ['{"options":{"constructor":1}}', "a recipe cannot set constructor"],
      ['{"options":{"toString":{"value":1}}}', "a recipe cannot set toString"],
      ['{"options":{"__proto__":{"value":1}}}', "a recipe cannot set __proto__"],
      ['{"options":{"nesterov":"true"}}', 'options.nesterov is "true", expected true or false; correct it'],
      ['{"options":{"lr":{}}}', "options.lr.value is missing, expected a number above 0 or auto; correct it"],
      ['{"options":{"lr":null}}', "options.lr is null, expected a number above 0 or auto; correct it"],
      ['{"options":{"lr":{"value":null}}}', "options.lr.value is null, expected a number above 0 or auto"],
      ['{"options":{"lr":"0x10"}}', 'options.lr is "0x10", expected a number above 0 or auto'],
      ['{"options":{"batch":1.5}}', "options.batch is 1.5, expected a whole number from 1 to 65536"],
      ['{"options":{"milestones":[1,"a"]}}', 'options.milestones is [1,"a"], expected numbers of at least 0'],
      ['{"options":{"schedule":"stop"}}', 'options.schedule is "stop", expected one of '],
      ['{"options":{"lr":{"value":0.1,"source":3}}}', "options.lr.source is 3, expected text"],
      ['{"options":[]}', "options is [], expected an object"],
      ["null", "the whole is null, expected an object"],
      ["{}", "options is missing"],
    ];
    for (const [text, told] of wrong) {
      await Deno.writeTextFile(file, text);
      await assertRejects(() => openRecipe(file, TRAIN_OPTIONS), ResiduaError, `${file}: ${told}`);
    }
    await Deno.writeTextFile(file, '{"options":{"milestones":"10,20","lr":{"value":0.1},"nesterov":true}}');
    const values = recipeValues(await openRecipe(file, TRAIN_OPTIONS));
    assertEquals(values, { milestones: "10,20", lr: 0.1, nesterov: true });
  }));
