/** The options of a run, each with where its value comes from. */

import { RECIPES, type RecipeValue } from "../options/recipes.ts";
import type { Option } from "../options/option.ts";
import type { RunConfig } from "../options/resume.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";

/** An option of a run. */
export interface ConfiguredOption {
  readonly name: string;
  readonly value: string;
  /** Under which heading help shows it. */
  readonly group: string;
  /** Where its value comes from. */
  readonly source: string;
  /** Whether it has the value that it has where nobody says anything. */
  readonly isDefault: boolean;
}

/** The options that tell where a run is, or how it shows itself, and not what it trains. */
const LEFT_OUT = ["out", "progress", "print-recipe"];

/**
 * The options that `config.json` knows, by the headings of the help.
 *
 * @param config What it holds. `given`: the names of those of the command line; a run of a version before lacks it.
 */
export function configuredOptions(config: RunConfig): ConfiguredOption[] {
  const given = Array.isArray(config.given) ? config.given as unknown[] : undefined;
  const recipe = RECIPES.find(({ recipe }) => recipe === config.recipe);
  const options: readonly (readonly [string, Option])[] = Object.entries(TRAIN_OPTIONS);
  return options.flatMap(([name, option]): ConfiguredOption[] => {
    const value = config[name];
    if (value === undefined || value === null || LEFT_OUT.includes(name)) return [];
    const isDefault = same(value, option.default), known: RecipeValue | undefined = recipe?.options[name];
    const group = option.group ?? "Data", text = String(value);
    return [{ name, value: text, group, source: sourceOf(), isDefault: isDefault && !given?.includes(name) }];

    function sourceOf(): string {
      if (given?.includes(name)) return "command line";
      if (known !== undefined && same(value, known.value)) return `${recipe!.recipe}: ${known.source}`;
      if (isDefault) return "default";
      if (typeof config.recipe === "string" && recipe === undefined) return `${config.recipe}, or chosen by train`;
      return given === undefined ? "command line, or chosen by train" : "chosen by train";
    }
  });
}

/** Whether values are the same; lists have their defaults as text. */
function same(one: unknown, other: unknown): boolean {
  return String(one) === String(other);
}
