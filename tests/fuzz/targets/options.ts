/** What is written on the command line, and names that are given to the library. */

import type { Option } from "../../../cli/options/option.ts";
import { optionField } from "../../../cli/options/option_field.ts";
import { parseArguments } from "../../../cli/options/parse_options.ts";
import { readClassWeights } from "../../../cli/options/class_weights.ts";
import { rejectUnusedOptions } from "../../../cli/options/unused_options.ts";
import { TRAIN_OPTIONS } from "../../../cli/options/train_options.ts";
import { findColumns } from "../../../disk/list_columns.ts";
import { MODEL_NAMES, modelByName } from "../../../models/mod.ts";
import { frozenNames } from "../../../train/mod.ts";
import { publishedWeights } from "../../../weights/mod.ts";
import type { FuzzTarget } from "../_target.ts";

const utf8 = new TextEncoder(), decode = (input: Uint8Array) => new TextDecoder().decode(input);
const text = (...texts: readonly string[]) => texts.map((one) => utf8.encode(one));

/** What of the values of `train`'s options is not what the option takes. */
export function checkOptions(value: unknown): string | undefined {
  const values = value as Readonly<Record<string, unknown>>;
  for (const [name, option] of Object.entries<Option>(TRAIN_OPTIONS)) {
    const fault = values[name] === undefined ? undefined : optionField(option)(values[name], name);
    if (fault !== undefined) return fault;
  }
}

/** What of weights of two classes makes no sense. */
export function checkWeights(value: unknown): string | undefined {
  if (value === "balanced") return undefined;
  const weights = value as readonly number[];
  return weights.length === 2 && weights.every((weight) => weight > 0 && weight < Infinity)
    ? undefined
    : `weights are ${weights}`;
}

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = targets().map((target) => ({
  ...target,
  // Messages show what was typed, however long that was, and some what there is.
  longest: 2 ** 19,
}));

function targets(): readonly FuzzTarget[] {
  return [
    {
      name: "arguments",
      about: "the command line of train, an argument a line",
      form: "text",
      seeds: () =>
        text(
          "--data\nshapes\n--lr=0.1\n--no-shuffle\n--schedule=step\n--milestones\n0.5,0.75",
          "--model\nresnet20\n--batch\n128\n--nesterov\n--\na",
          "--epochs=3\n--seed\n7",
        ),
      words: Object.entries<Option>(TRAIN_OPTIONS).flatMap((
        [name, { kind, choices = [], words = [] }],
      ) => [`--${name}\n`, `--${name}=`, ...(kind === "flag" ? [`--no-${name}\n`] : []), ...choices, ...words]),
      run(input) {
        const { values, given } = parseArguments("train", TRAIN_OPTIONS, decode(input).split("\n"));
        rejectUnusedOptions(TRAIN_OPTIONS, values, given);
        return values;
      },
      check: checkOptions,
    },
    {
      name: "model-name",
      about: "names of models",
      form: "text",
      seeds: () => text(...MODEL_NAMES.slice(0, 6), "mobilenet_v2_0.5", "mobilenet_v2_cifar_1.4", "plain20"),
      words: ["resnet", "plain", "mobilenet_v2", "_cifar", "_"],
      run: (input) => modelByName(decode(input)),
      check: (value) => (value as ReturnType<typeof modelByName>).classes > 0 ? undefined : "no classes",
    },
    {
      name: "weights-name",
      about: "names of published weights",
      form: "text",
      seeds: () => text("imagenet", "torchvision:resnet18.IMAGENET1K_V1", "torchvision:resnet18"),
      words: ["torchvision:", "imagenet", "_Weights.", "IMAGENET1K_V1", "DEFAULT", "ResNet", "MobileNet_V2"],
      run: (input) => publishedWeights(decode(input), "resnet18"),
    },
    {
      name: "freeze",
      about: "patterns of frozen parameters",
      form: "text",
      seeds: () => text("conv*", "layer1.*,*.bn1.*", "*weight"),
      words: ["*", "**", "layer1", ".", ",", "conv1.weight"],
      run: (input) =>
        frozenNames(decode(input).split(","), [
          "conv1.weight",
          "layer1.0.bn1.weight",
          "layer1.0.bn1.bias",
          "fc.weight",
        ]),
    },
    {
      name: "list-columns",
      about: "columns of a table",
      form: "text",
      seeds: () => text("image,breed", "1,3"),
      words: ["image", "breed", "1", "3", ","],
      run: (input) => findColumns([["image", "fold", "breed"], ["a.jpg", "1", "cat"]], decode(input), "list.csv"),
      check(value) {
        const { path, label } = value as ReturnType<typeof findColumns>;
        return [path, label!].every((column) => [0, 1, 2].includes(column))
          ? undefined
          : `columns ${path} and ${label}`;
      },
    },
    {
      name: "class-weights-text",
      about: "weights of two classes on the command line",
      form: "text",
      seeds: () => text("balanced", "1,2.5"),
      words: ["balanced", ",", "1e3", "."],
      run: (input) => readClassWeights(decode(input), ["cat", "dog"]),
      check: checkWeights,
    },
  ];
}
