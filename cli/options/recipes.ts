/** Recipes: named values of `train`'s options, each with where it comes from; and recipes from files. */

import {
  didYouMean,
  nearestName,
  objectField,
  optionalField,
  showText,
  textField,
  UsageError,
} from "../../core/mod.ts";
import { expectContent, readJson } from "../../files/mod.ts";
import type { OptionTable } from "./option.ts";
import { optionField } from "./option_field.ts";

/** A value of an option, and where it comes from. */
export interface RecipeValue {
  /** The value. */
  readonly value: string | number | boolean | readonly number[];
  /** The paper and the section, or the reason. */
  readonly source: string;
}

/** Values of options by name. */
export interface Recipe {
  /** Its name. */
  readonly recipe: string;
  /** What it trains. */
  readonly about: string;
  /** The options that it sets. */
  readonly options: Readonly<Record<string, RecipeValue>>;
}

const HE = "He et al. 2015, Deep Residual Learning";
const HE_CIFAR = `${HE}, section 4.2`, HE_IMAGENET = `${HE}, section 3.4`;
const MOBILENET = "Sandler et al. 2018, MobileNetV2, section 6.1";
const SLIM = "not in the paper; the default of TF-Slim's train_image_classifier.py, with which it was trained";

const sgdAsHe = (source: string): Recipe["options"] => ({
  optimizer: { value: "sgd", source },
  lr: { value: 0.1, source },
  factor: { value: 0.1, source },
  momentum: { value: 0.9, source },
  nesterov: { value: false, source: `${source}, which names "a momentum of 0.9" alone` },
  "weight-decay": { value: 1e-4, source },
  decay: { value: "all", source: `${source}, which excepts nothing` },
});

const HE_CIFAR_OPTIONS: Recipe["options"] = {
  model: { value: "resnet20", source: `${HE_CIFAR}: 20, 32, 44, 56 and 110 layers` },
  shortcut: { value: "A", source: `${HE_CIFAR}: "identity shortcuts in all cases (i.e., option A)"` },
  batch: { value: 128, source: HE_CIFAR },
  steps: { value: 64_000, source: `${HE_CIFAR}: "terminate training at 64k iterations"` },
  ...sgdAsHe(HE_CIFAR),
  schedule: { value: "step", source: `${HE_CIFAR}: "divide it by 10 at 32k and 48k iterations"` },
  milestones: { value: [32_000, 48_000], source: HE_CIFAR },
  augment: { value: "crop+flip", source: `${HE_CIFAR}: 4 pixels padded on each side, a random crop, a random flip` },
};

/** The recipes that have a name. */
export const RECIPES: readonly Recipe[] = [
  {
    recipe: "he2015-cifar",
    about: "ResNets of 20 to 56 layers on 32x32 images",
    options: HE_CIFAR_OPTIONS,
  },
  {
    recipe: "he2015-cifar-110",
    about: "ResNet-110 on 32x32 images, which needs a warm-up",
    options: {
      ...HE_CIFAR_OPTIONS,
      model: { value: "resnet110", source: HE_CIFAR },
      "warmup-until": {
        value: 0.8,
        source: `${HE_CIFAR}: "we use 0.01 to warm up the training until the training error is below 80%"`,
      },
      "warmup-lr": { value: 0.01, source: HE_CIFAR },
    },
  },
  {
    recipe: "he2015-imagenet",
    about: "ResNets of 18 to 152 layers on photographs",
    options: {
      model: { value: "resnet50", source: `${HE}, table 1: 18, 34, 50, 101 and 152 layers` },
      shortcut: { value: "B", source: `${HE}, section 4.1: "projection shortcuts for increasing dimensions"` },
      batch: { value: 256, source: HE_IMAGENET },
      steps: { value: 600_000, source: `${HE_IMAGENET}: "up to 60 x 10^4 iterations"` },
      ...sgdAsHe(HE_IMAGENET),
      schedule: { value: "plateau", source: `${HE_IMAGENET}: "divided by 10 when the error plateaus"` },
      monitor: { value: "error", source: HE_IMAGENET },
      patience: { value: 5, source: "not in the paper; the default here" },
      augment: {
        value: "vgg",
        source: `${HE_IMAGENET}: shorter side in [256, 480], random crop, flip, mean subtraction, colour augmentation`,
      },
    },
  },
  {
    recipe: "mobilenetv2",
    about: "MobileNet-V2 on photographs",
    options: {
      model: { value: "mobilenet_v2", source: "Sandler et al. 2018, MobileNetV2, table 2" },
      batch: { value: 96, source: `${MOBILENET}, for each of its 16 asynchronous workers` },
      epochs: { value: 300, source: "not in the paper; the rate is 1e-4 by then" },
      optimizer: { value: "rmsprop", source: MOBILENET },
      rho: { value: 0.9, source: `${MOBILENET}: "decay and momentum set to 0.9"` },
      momentum: { value: 0.9, source: MOBILENET },
      epsilon: { value: 1, source: SLIM },
      "weight-decay": { value: 4e-5, source: MOBILENET },
      decay: { value: "weights", source: "not in the paper; TF-Slim's networks decay weights of convolutions alone" },
      lr: { value: 0.045, source: MOBILENET },
      schedule: { value: "exponential", source: `${MOBILENET}: "decay rate of 0.98 per epoch"` },
      factor: { value: 0.98, source: MOBILENET },
      augment: { value: "inception", source: SLIM },
    },
  },
  {
    recipe: "quick",
    about: "one cycle of the rate, for any images; epochs, batch and rate follow their number",
    options: {
      model: { value: "resnet20", source: "small enough for two cores" },
      schedule: { value: "onecycle", source: "Smith and Topin 2018, Super-Convergence" },
      optimizer: { value: "sgd", source: "Smith and Topin 2018" },
      momentum: { value: 0.9, source: "the default here" },
      nesterov: { value: true, source: "measured on the built-in shapes" },
      "weight-decay": { value: 5e-4, source: "measured on the built-in shapes" },
      decay: { value: "weights", source: "measured on the built-in shapes" },
    },
  },
];

/**
 * Finds a recipe by its name, or reads it from a file of JSON as {@link formatRecipe} writes it.
 *
 * @throws {UsageError} If there is none of that name, or it sets an option that there is not.
 * @throws {DataError} If the file cannot be read or is no recipe.
 */
export async function openRecipe(name: string, table: OptionTable): Promise<Recipe> {
  const known = RECIPES.find(({ recipe }) => recipe === name);
  if (known !== undefined) return known;
  if (!name.endsWith(".json")) {
    const names = RECIPES.map(({ recipe }) => recipe);
    throw new UsageError(
      `There is no recipe named "${name}"${didYouMean(name, names)} There are ${names.join(", ")}, ` +
        "and files that end in .json",
    );
  }
  return await readRecipe(name, table);
}

/** The values of a recipe by option. */
export function recipeValues({ options }: Recipe): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).map(([name, { value }]) => [name, value]));
}

/** A recipe as JSON that can be edited and read again. Options that were given replace its own. */
export function formatRecipe(
  recipe: Recipe,
  table: OptionTable,
  given: Readonly<Record<string, RecipeValue["value"]>>,
): string {
  const changed = Object.entries(given).filter(([name]) => !table[name].ofOneRun)
    .map(([name, value]) => [name, { value, source: "given" }]);
  return JSON.stringify({ ...recipe, options: { ...recipe.options, ...Object.fromEntries(changed) } }, null, 2);
}

const REMEDY = "correct it, or begin with what --print-recipe prints";
const KIND = {
  what: "the recipe",
  check: objectField({ recipe: optionalField(textField), about: optionalField(textField), options: objectField({}) }),
  remedy: REMEDY,
};

/** Reads a recipe: of each option the value, alone or with its source. */
async function readRecipe(path: string, table: OptionTable): Promise<Recipe> {
  const { recipe = path, about = "", options } = await readJson<Partial<Recipe> & Pick<Recipe, "options">>(path, KIND);
  const values = Object.entries<unknown>(options).map(([name, content]) => {
    expectRecipeOption(path, name, table);
    const value = optionField(table[name]), within = `options.${name}`;
    const isAlone = typeof content !== "object" || content === null || Array.isArray(content);
    const check = isAlone ? value : objectField({ value, source: optionalField(textField) });
    expectContent(path, content, check, REMEDY, within);
    return [name, isAlone ? { value: content, source: path } : { source: path, ...content }];
  });
  return { recipe, about, options: Object.fromEntries(values) };
}

function expectRecipeOption(path: string, option: string, table: OptionTable): void {
  if (Object.hasOwn(table, option) && !table[option].ofOneRun) return;
  const near = nearestName(option, Object.keys(table));
  throw new UsageError(
    `${path}: a recipe cannot set ${showText(option)}${
      near === undefined || near === option ? "" : `; did you mean ${near}?`
    }`,
  );
}
