/** Files of a run and of the command line: configurations, metrics, recipes, tables of kernels and of images. */

import { loadCsv } from "../../../disk/load_csv.ts";
import { readListFile } from "../../../disk/list_file.ts";
import { readClassWeights } from "../../../cli/options/class_weights.ts";
import { openRecipe, RECIPES, recipeValues } from "../../../cli/options/recipes.ts";
import { parseOptions, resolveOptions } from "../../../cli/options/parse_options.ts";
import { expectRunOptions, keptOptions, readRunConfig } from "../../../cli/options/resume.ts";
import { TRAIN_OPTIONS } from "../../../cli/options/train_options.ts";
import { DataError, parseKernelTable, TuningTable } from "../../../core/mod.ts";
import type { ImageList } from "../../../data/mod.ts";
import { distributionOf, type DistributionsLine, readDistributions } from "../../../plots/distributions.ts";
import { findMetricsFault, RunFolder, type RunStore, type ValidationAnswers } from "../../../train/mod.ts";
import type { FuzzTarget } from "../_target.ts";
import { checkOptions, checkWeights } from "./options.ts";

const utf8 = new TextEncoder();
const json = (...values: readonly unknown[]) => values.map((value) => utf8.encode(JSON.stringify(value)));
const text = (...texts: readonly string[]) => texts.map((one) => utf8.encode(one));

/** The names of options and what they may be. */
const OPTION_WORDS = Object.entries(TRAIN_OPTIONS).flatMap((
  [name, option],
) => [name, ...("choices" in option ? option.choices : []), ...("words" in option ? option.words : [])]);

/** The arguments of a run whose configuration is changed. */
const RUN = [
  "--data=shapes",
  "--epochs=2",
  "--batch=8",
  "--lr=0.1",
  "--schedule=step",
  "--milestones=1,2",
  "--augment=crop",
  "--weight-decay=0",
];

/** Writes an input where its reader expects it. */
function written(scratch: string, name: string, input: Uint8Array): string {
  const path = `${scratch}/${name}`;
  Deno.writeFileSync(path, input);
  return path;
}

/** A store of one file. */
function storeOf(name: string, content: Uint8Array): RunStore {
  const nothing = () => Promise.resolve();
  return {
    location: "run",
    write: nothing,
    append: nothing,
    copy: nothing,
    remove: nothing,
    read: (path) => Promise.resolve(path === name ? content : undefined),
  };
}

const STEP = { kind: "step", step: 1, epoch: 0, loss: 2.5, lr: 0.1, imagesPerSecond: 812.4, lossScale: 1024 };
const SPREAD: DistributionsLine = {
  epoch: 0,
  steps: 3,
  parameters: [{
    name: "fc.bias",
    weights: distributionOf(Float32Array.of(1, 2)),
    gradient: distributionOf(Float32Array.of(-1)),
  }],
};
const EPOCH = {
  kind: "epoch",
  epoch: 0,
  trainLoss: 1.9,
  trainTop1: 0.3,
  valLoss: null,
  valTop1: 0.4,
  lr: 0.1,
  seconds: 6.2,
};
const ANSWERS = {
  validation: 1,
  epoch: 3,
  classes: ["a", "b"],
  count: 2,
  stride: 1,
  label: [0, 1],
  predicted: [1, 1],
  probability: [0.75, 1],
  labelProbability: [0.25, 1],
  path: ["val/a/1.png", "val/b/1.png"],
};
const CHOICE = {
  variant: "tile 4x4",
  kernels: "0a1b2c3d",
  kernel: "direct@1",
  configuration: { tile: "4x4" },
  shapeClass: "linear",
  saved: 0.1,
};

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "config",
    about: "config.json of a run",
    form: "json",
    seeds: () =>
      json(
        keptOptions(TRAIN_OPTIONS, parseOptions("train", TRAIN_OPTIONS, RUN)),
      ),
    words: OPTION_WORDS,
    async run(input, scratch) {
      written(scratch, "config.json", input);
      const config = await readRunConfig(scratch);
      expectRunOptions(TRAIN_OPTIONS, config, scratch);
      return resolveOptions(TRAIN_OPTIONS, {}, config);
    },
    check: checkOptions,
  },
  {
    name: "recipe",
    about: "recipes from files",
    form: "json",
    seeds: () => json(...RECIPES.slice(0, 2), { options: { lr: 0.1, milestones: [1, 2], nesterov: true } }),
    words: OPTION_WORDS,
    async run(input, scratch) {
      const recipe = await openRecipe(written(scratch, "recipe.json", input), TRAIN_OPTIONS);
      return resolveOptions(TRAIN_OPTIONS, {}, recipeValues(recipe));
    },
    check: checkOptions,
  },
  {
    name: "metrics",
    about: "metrics.jsonl of a run",
    form: "text",
    seeds: () => text(`${JSON.stringify(STEP)}\n${JSON.stringify(EPOCH)}\n${JSON.stringify(STEP)}\n`),
    words: [...Object.keys(STEP), ...Object.keys(EPOCH), "null", '"kind":"step"', '"kind":"epoch"', "{}", "[]"],
    run: (input) => new RunFolder(storeOf("metrics.jsonl", input)).readMetrics(),
    check: (value) => (value as unknown[]).map(findMetricsFault).find((fault) => fault !== undefined),
  },
  {
    name: "metrics-line",
    about: "a line of it",
    form: "json",
    seeds: () => json(STEP, EPOCH),
    words: [...Object.keys(STEP), ...Object.keys(EPOCH)],
    run: (input) => new RunFolder(storeOf("metrics.jsonl", input)).readMetrics(),
    check: (value) => (value as unknown[]).map(findMetricsFault).find((fault) => fault !== undefined),
  },
  {
    name: "validation",
    about: "what the best network said of each validation image",
    form: "json",
    seeds: () => json(ANSWERS, { ...ANSWERS, count: 5, stride: 3, path: undefined }),
    words: Object.keys(ANSWERS),
    run: (input) => new RunFolder(storeOf("validation.json", input)).readValidation(),
    check(value) {
      const { count, stride, classes, images } = value as ValidationAnswers;
      if (images.length !== Math.ceil(count / stride)) return `${images.length} of ${count} images`;
      const isClass = (index: number) => classes[index] !== undefined;
      return images.every(({ label, predicted }) => isClass(label) && isClass(predicted))
        ? undefined
        : "an unknown class";
    },
  },
  {
    name: "distributions",
    about: "how weights and momenta are distributed",
    form: "text",
    seeds: () => text(`${JSON.stringify(SPREAD)}\n${JSON.stringify(SPREAD)}\n`),
    words: [...Object.keys(SPREAD), ...Object.keys(SPREAD.parameters[0]), ...Object.keys(SPREAD.parameters[0].weights)],
    run(input) {
      const lines = readDistributions(new TextDecoder().decode(input));
      // What is no line is left out; the page then says that there is none.
      if (lines.length === 0) throw new DataError("there is no whole line");
      return Promise.resolve(lines);
    },
    check: (value) =>
      (value as DistributionsLine[]).every(({ epoch, parameters }) =>
          epoch >= 0 && parameters.every(({ weights }) => weights.quantiles.every(Number.isFinite))
        )
        ? undefined
        : "a line of something else",
  },
  {
    name: "tuning",
    about: "choices of kernels by exact shapes",
    form: "json",
    seeds: () => json({ tuning: 1, adapter: "some", choices: { "linear(...)": CHOICE } }),
    words: [...Object.keys(CHOICE), "tuning", "adapter", "choices"],
    run: (input) => TuningTable.parse(new TextDecoder().decode(input), "tuning.json"),
    check: (value) =>
      (value as TuningTable).entries().every(([, { variant }]) => typeof variant === "string")
        ? undefined
        : "no variant",
  },
  {
    name: "kernel-table",
    about: "choices of kernels for devices of a kind",
    form: "json",
    seeds: () =>
      json({
        device: "nvidia",
        source: "measured",
        choices: { linear: { kernel: "direct@1", configuration: { tile: "4x4" } } },
      }),
    words: ["device", "source", "choices", "kernel", "configuration"],
    run: (input) => parseKernelTable(new TextDecoder().decode(input), "nvidia.json"),
  },
  {
    name: "class-weights",
    about: "weights of classes in a file",
    form: "json",
    seeds: () => json([1, 2.5], { cat: 1, dog: 2.5 }),
    words: ["cat", "dog"],
    run: (input, scratch) => readClassWeights(written(scratch, "weights.json", input), ["cat", "dog"]),
    check: checkWeights,
  },
  {
    name: "image-list",
    about: "tables of images",
    form: "text",
    async seeds() {
      // What is loaded first makes arrays of its own.
      await loadCsv();
      return text(
        "path,label\na.jpg,cat\nb/c.png,dog\n",
        'id\tbreed\tfold\n"a ""b"".jpg"\tcat\t1\n1\t"d\n og"\t2\n',
        "a.jpg 3.0\nb c.jpg 4.0\n",
        "cat/a.jpg\ndog/b.jpg\n",
        "\ufeffimage;class\r\na.jpg;1\r\nb.jpg;2\r\n",
      );
    },
    words: ["path", "label", "image", "class", ".jpg", '"', '""', "\r\n", ";", "\t"],
    run: (input, scratch) => readListFile(written(scratch, "list.csv", input)),
    check(value) {
      const wrong = (value as ImageList).images.find(({ path, label, line }) =>
        typeof path !== "string" || typeof label !== "string" || !(line! > 0)
      );
      return wrong && `a row is ${JSON.stringify(wrong)}`;
    },
    // The package keeps each row several times.
    memory: (bytes) => 2 ** 22 + 1100 * bytes,
  },
];
