import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { localCollectives, UsageError } from "../../core/mod.ts";
import { modelByName } from "../../models/mod.ts";
import { createSchedule, type ScheduleName, SCHEDULES, traceStep } from "../../train/mod.ts";
import type { ChosenValues } from "./chosen_values.ts";
import { scaleRate } from "./distributed_options.ts";
import { modelOptions } from "./network_options.ts";
import type { GivenOptions, Option, OptionTable, Values } from "./option.ts";
import { resolveOptions } from "./parse_options.ts";
import { formatRecipe, openRecipe, RECIPES } from "./recipes.ts";
import { expectNoStart, expectSameRun, keptOptions, withoutReplaced } from "./resume.ts";
import { TRAIN_OPTIONS, trainingOptions, type TrainValues } from "./train_options.ts";
import { rejectUnusedOptions } from "./unused_options.ts";

const DECLARATIONS: readonly [string, Option][] = Object.entries<Option>(TRAIN_OPTIONS);

/** Choices beside which options may have no effect: every schedule, optimiser and kind of model, with a warm-up and without. */
const SITUATIONS: readonly GivenOptions[] = [
  ...SCHEDULES.flatMap((schedule) => [{ schedule }, { schedule, "warmup-until": "0.8" }]),
  { optimizer: "rmsprop" },
  { optimizer: "adamw" },
  { model: "plain8" },
  { model: "mobilenet_v2_cifar" },
  { freeze: "conv1.*,bn1.*" },
  { distributed: true },
  { distributed: true, precision: "mixed" },
].map((situation): GivenOptions => ({ model: "resnet8", lr: "0.1", ...situation as GivenOptions }));

/** Values of an option that are not its default and may stand alone. */
function otherValues({ kind, choices, default: standard, minimum = 0 }: Option): (string | boolean)[] {
  if (kind === "flag") return [standard !== true];
  if (choices !== undefined) return choices.filter((choice) => choice !== standard);
  if (kind === "integer") return [String(Number(standard ?? 1) + 1)];
  if (kind === "number") return [String(standard ? Number(standard) / 2 : Math.max(minimum, 0.05))];
  return kind === "numbers" ? ["0.3,0.6"] : [];
}

/** The values with those that `train` would choose from the images. */
function filled(values: TrainValues): ChosenValues {
  const { lr = 0.1, batch = 2, warmup = 0 } = values;
  assert(lr !== "auto");
  const chosen = { ...values, batch, epochs: 40, lr, warmup };
  return scaleRate(chosen, values, values.distributed ? 2 : 1);
}

/** The rates of a run whose error falls for ten epochs, and whose loss falls once, by less than the default threshold. */
function rates(given: TrainValues): string {
  const values = filled(given);
  const epochs = 40, stepsPerEpoch = 4, { schedule, ...options } = trainingOptions(values, stepsPerEpoch);
  const run = createSchedule({
    ...options,
    schedule: schedule as ScheduleName,
    rate: options.rate!,
    epochs,
    stepsPerEpoch,
    steps: epochs * stepsPerEpoch,
  });
  const seen: number[] = [];
  for (let step = 0; step < epochs * stepsPerEpoch; step++) {
    seen.push(run.rate(step));
    run.hear?.({ error: step < 60 ? 0.9 : 0.5 });
    const epoch = Math.floor(step / stepsPerEpoch);
    if (step % stepsPerEpoch === 3) {
      run.observe?.({ loss: epoch < 4 ? 1 : 1 - 7e-5, error: 0.9 ** Math.min(epoch, 10) });
    }
  }
  return seen.join();
}

/** A training step as it is recorded. */
function recorded(given: TrainValues): string {
  const values = filled(given);
  const { accumulate, classWeights: _, ...options } = trainingOptions(values, 4),
    parts = accumulate === "auto" ? 1 : accumulate;
  const model = modelByName(values.model, { inputShape: [3, 16, 16], ...modelOptions(values) });
  const collective = values.distributed ? localCollectives(2)[0] : undefined;
  const { graph, updates } = traceStep({ ...options, model, batch: 2, accumulate: parts, collective });
  return JSON.stringify([
    graph.parameters.map(({ name, initializer }) => [name, initializer]),
    [graph, updates].map((part) => part?.nodes.map(({ op, inputs, attributes }) => [op.name, inputs, attributes])),
  ]);
}

Deno.test("an option of train is heeded exactly where it changes the rates or the step, and then is no run's to change", () => {
  const heeded = new Set<string>();
  for (const part of [rates, recorded]) {
    const before = SITUATIONS.map((situation) => part(resolveOptions(TRAIN_OPTIONS, situation)));
    for (const [name, option] of DECLARATIONS) {
      for (const value of name === "model" ? ["plain8"] : otherValues(option)) {
        const effects = SITUATIONS.map((situation, k) => {
          const values = resolveOptions(TRAIN_OPTIONS, { ...situation, [name]: value });
          return { changes: part(values) !== before[k], values, itself: situation[name] !== undefined };
        });
        if (!effects.some(({ changes }) => changes)) continue;
        heeded.add(name);
        assert(!option.mayChangeOnResume, `--${name} changes what a run computes`);
        for (const { changes, values, itself } of effects) {
          const why = option.heededBy?.(values);
          if (!itself) assertEquals(why === undefined, changes, `--${name} ${value}: ${why}`);
        }
      }
    }
  }
  for (const [name, { heededBy }] of DECLARATIONS) {
    assert(heededBy === undefined || heeded.has(name) || name in OF_TABLES, name);
  }
});

/** Options of the images, which change neither rates nor a step, each with values beside which they are heeded or not. */
const OF_TABLES: Readonly<Record<string, readonly [heeded: GivenOptions, unheeded: GivenOptions]>> = {
  "val-list": [{ "train-list": "a.csv" }, {}],
  "list-columns": [{ "train-list": "a.csv" }, {}],
  "val-fraction": [{ "train-list": "a.csv" }, { "train-list": "a.csv", "val-list": "b.csv" }],
};

Deno.test("options of tables of images are heeded beside a table alone", () => {
  for (const [name, [heeded, unheeded]] of Object.entries(OF_TABLES)) {
    const { heededBy } = TRAIN_OPTIONS[name as keyof typeof TRAIN_OPTIONS] as Option;
    assertEquals(heededBy!(heeded), undefined, name);
    assertEquals(typeof heededBy!(unheeded), "string", name);
  }
});

Deno.test("an option that says nothing of itself is heeded, kept, settable by recipes, and the same on resume", async () => {
  const table = { size: { kind: "integer", about: "", default: 1 } } as const, given = { size: "2" };
  rejectUnusedOptions(table, { size: 2 }, given);
  assertEquals(keptOptions(table, { size: 2 }), { size: 2 });
  assertThrows(() => expectSameRun(table, given, { size: 3 }, "run"), UsageError, "--size was 3 and is 2 now");
  expectNoStart(table, given);
  assertEquals(withoutReplaced(table, { size: 3, other: 4 }, given), { size: 3, other: 4 });
  assertEquals(await recipeWith(table, "size"), undefined);
});

Deno.test("what an option says of itself is what the checks do", async () => {
  const table = {
    far: { kind: "integer", about: "", mayChangeOnResume: true, replaces: ["long"] },
    long: {
      kind: "integer",
      about: "",
      contradicts: ({ far, long }) => far === long ? "far and long agree" : undefined,
    },
    out: { kind: "text", about: "", startsRun: true, ofOneRun: true },
    time: { kind: "flag", about: "", ofOneInvocation: true, heededBy: ({ far }) => far === 1 ? "not at 1" : undefined },
  } satisfies OptionTable;
  expectSameRun(table, { far: "2", time: true }, { far: 1, long: 3 }, "run");
  assertThrows(
    () => expectNoStart(table, { far: "2", out: "run" }),
    UsageError,
    "--out and --resume exclude each other",
  );
  assertEquals(withoutReplaced(table, { far: 1, long: 3 }, { far: "2" }), { far: 1 });
  assertEquals(keptOptions(table, { far: 1, time: true }), { far: 1 });
  const reject = (values: Values<typeof table>, given: GivenOptions) => rejectUnusedOptions(table, values, given);
  assertThrows(() => reject({ far: 1, time: true }, { time: true }), UsageError, "--time: not at 1");
  // Of a recipe, or of the run that goes on.
  reject({ far: 1, time: true }, {});
  assertThrows(() => reject({ far: 2, long: 2 }, {}), UsageError, "far and long agree");
  assertStringIncludes(`${await recipeWith(table, "out")}`, "a recipe cannot set out");
  const recipe = { recipe: "", about: "", options: {} };
  assertEquals(JSON.parse(formatRecipe(recipe, table, { out: "run", far: 2 })).options, {
    far: { value: 2, source: "given" },
  });
});

Deno.test("the declarations of train name options that there are, and recipes set none that belongs to a run", () => {
  for (const [name, option] of DECLARATIONS) {
    for (const other of option.replaces ?? []) assert(other in TRAIN_OPTIONS && other !== name, other);
    const recipe = RECIPES.find(({ options }) => name in options);
    assert(!option.ofOneRun || recipe === undefined, `${recipe?.recipe} sets ${name}`);
    assert(!option.startsRun || !option.mayChangeOnResume, name);
  }
});

/** Why a recipe of a file cannot set an option, or nothing if it can. */
async function recipeWith(table: OptionTable, option: string): Promise<unknown> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify({ options: { [option]: 1 } }));
    return await openRecipe(path, table).then(() => undefined, (error) => error);
  } finally {
    await Deno.remove(path);
  }
}
