/** `deno task data inspect`: what is in a folder of images, and what training makes of it. */

import { UsageError } from "../../core/mod.ts";
import { measureImages } from "../../data/mod.ts";
import { type Command, defineCommand, type GivenArguments } from "../command.ts";
import { drawContactSheet } from "../images/contact_sheet.ts";
import { MOST_MEGAPIXELS } from "../../images/mod.ts";
import { writeFile } from "../../files/mod.ts";
import { AUGMENTATION_OPTIONS, chooseAugmentation, DATA_OPTIONS, openData } from "../options/image_options.ts";
import { countClasses, type ImageSurvey, sampleRows, type Spread, surveyImages } from "../images/inspect_data.ts";
import { chooseImages } from "../options/chosen_values.ts";
import type { Values } from "../options/option.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { printText, shortenName, widthOf } from "../reports/layout.ts";
import { withCountLine } from "../reports/progress.ts";
import { formatTable } from "../reports/table.ts";

const { data: _, "max-bad": __, ...READING_OPTIONS } = DATA_OPTIONS;

const OPTIONS = {
  ...READING_OPTIONS,
  ...AUGMENTATION_OPTIONS,
  sheet: { kind: "text", group: "Output", value: "FILE.png", about: "draw augmented training images of each class" },
  "per-class": {
    kind: "integer",
    group: "Output",
    about: "images of a class on the sheet",
    default: 8,
    minimum: 1,
    maximum: 1000,
  },
  "most-classes": {
    kind: "integer",
    group: "Output",
    about: "classes on the sheet",
    default: 20,
    minimum: 1,
    maximum: 1000,
  },
  seed: {
    kind: "integer",
    group: "Augmentation",
    about: "the seed of the augmentation on the sheet",
    default: 0,
    minimum: 0,
  },
  limit: { kind: "integer", group: "Data", about: "read N images, evenly spread; defaults to all", minimum: 1 },
  progress: { kind: "flag", group: "Output", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", group: "Output", about: "print the result as JSON", default: false },
} as const;

/** The characters of the two columns of counts. */
const COUNT_COLUMNS = "  training  validation".length;

/** Damaged files that are named in the text. */
const MOST_NAMED = 20;

const inspectCommand = defineCommand({
  name: "data inspect",
  about: "Show what is in a set of images: classes, counts, sizes, channel statistics, damaged files, samples.",
  positionals: { value: "shapes|DIR", about: DATA_OPTIONS.data.about },
  options: OPTIONS,
  examples: [
    ["photos --sheet sheet.png --augment vgg", "a folder of photographs, and how training sees them"],
    ["cifar-10-batches-bin --json", "CIFAR-10, as JSON"],
    ["photos --train-list train.csv", "photographs in photos whose classes are in a table"],
  ],
}, inspect);

/** `deno task data`. */
export const dataCommand: Command = {
  name: "data",
  about: "Inspect images: data inspect DIR shows classes, counts, sizes, damaged files and samples.",
  options: inspectCommand.options,
  subcommands: ["inspect"],
  async run([subcommand, ...args]) {
    if (subcommand === "inspect") return await inspectCommand.run(args);
    if (subcommand === "--help" || subcommand === "-h") return await inspectCommand.run(["--help"]);
    const came = subcommand === undefined ? "nothing came" : `"${subcommand}" came`;
    throw new UsageError(`data: expected inspect and a folder but ${came}; see data --help`);
  },
};

async function inspect(values: Values<typeof OPTIONS>, { positionals, given }: GivenArguments): Promise<void> {
  rejectUnusedOptions(READING_OPTIONS, values, given);
  const isTable = values["train-list"] !== undefined;
  if (positionals.length !== 1 && !(isTable && positionals.length === 0)) {
    throw new UsageError(`data inspect: expected one folder, or shapes, but ${positionals.length} came; see --help`);
  }
  if (values.sheet !== undefined && !/\.png$/i.test(values.sheet)) {
    throw new UsageError(`--sheet: expected the name of a PNG file, such as sheet.png, but "${values.sheet}" came`);
  }
  const options = { ...values, data: positionals[0] ?? DATA_OPTIONS.data.default, "max-bad": Number.MAX_SAFE_INTEGER };
  const opened = await openData(options, undefined, () => {});
  const { set, randaugment } = await chooseImages(values, new Set(Object.keys(given)), opened);
  expectSheetFits(values, set.shape[1]);
  const test = set.test === undefined ? [] : [set.test];
  const counts = [set.train, set.validation, ...test].map(({ labels }) => countClasses(labels, set.classes.length));
  const progress = values.progress && !values.json;
  const measure = () =>
    withCountLine("measuring", progress, async (onProgress) => await measureImages(set.train, set.shape, onProgress));
  const survey = await withCountLine("reading", progress, (onProgress) => surveyImages(set, values.limit, onProgress));
  // Of images that are all damaged there is nothing to measure.
  const measured = survey.damaged.length < survey.images ? await measure() : undefined;
  const { mean, std } = measured?.normalisation("channel") ?? { mean: [], std: [] };
  if (values.json) {
    const classes = set.classes.map((name, k) => ({
      name,
      train: counts[0][k],
      validation: counts[1][k],
      test: counts[2]?.[k],
    }));
    const { name, shape, train, validation, notes = [] } = set,
      images = { train: train.count, validation: validation.count };
    console.log(
      JSON.stringify({ name, shape, ...images, test: set.test?.count, classes, notes, ...survey, mean, std }),
    );
  } else {
    printText(
      `${set.name}: ${set.classes.length} classes, ${set.train.count} training and ${set.validation.count} validation ` +
        `images${set.test === undefined ? "" : `, ${set.test.count} kept for a test`}, seen as ${
          set.shape.join("x")
        }\n`,
    );
    const room = widthOf() - COUNT_COLUMNS;
    console.log(
      formatTable([
        ["class", "training", "validation", ...test.map(() => "test")],
        ...set.classes.map((name, k) => [shortenName(name, room), ...counts.map((count) => count[k])]),
      ]),
    );
    printText(`\n${surveyText(survey)}`);
    for (const [name, values] of [["mean", mean], ["deviation", std]] as const) {
      if (values.length > 0) console.log(`${name.padEnd(9)}  ${values.map((value) => value.toFixed(4)).join("  ")}`);
    }
    printText(damageText(survey));
  }
  if (values.sheet === undefined) return;
  const { augmentation, normalisation } = await withCountLine(
    "measuring",
    progress,
    (onProgress) => chooseAugmentation({ ...values, randaugment }, set, undefined, onProgress),
  );
  const preparation = {
    shape: set.shape,
    normalisation: normalisation ?? (measured ?? await measure()).normalisation("channel"),
    augmentation,
    seed: values.seed,
  };
  const rows = await sampleRows(set, preparation, values["per-class"], values["most-classes"]);
  const { augment, erasing } = values;
  const title = [
    `${set.name}, ${set.shape[2]} x ${set.shape[1]}: --augment ${augment}`,
    ...(randaugment === undefined ? [] : [`--randaugment ${randaugment}`]),
    ...(erasing === 0 ? [] : [`--erasing ${erasing}`]),
  ].join(" ");
  await writeFile(values.sheet, await drawContactSheet(title, rows, [set.shape[1], set.shape[2]]));
  if (!values.json) printText(`The sheet is in ${values.sheet}`);
}

/** Refuses a sheet that no viewer would show. */
function expectSheetFits({ sheet, ...values }: Values<typeof OPTIONS>, size: number): void {
  const images = values["per-class"] * values["most-classes"], megapixels = images * size ** 2 / 1e6;
  if (sheet === undefined || megapixels <= MOST_MEGAPIXELS) return;
  throw new UsageError(
    `--sheet: expected at most ${MOST_MEGAPIXELS} megapixels but ${images} images of ${size} x ${size} have ` +
      `${Math.round(megapixels)}; give fewer by --per-class and --most-classes, or a smaller --size`,
  );
}

function surveyText({ images, width, height }: ImageSurvey): string {
  const side = (name: string, { minimum, median, maximum }: Spread) =>
    `${name.padEnd(9)}  least ${minimum}, median ${median}, greatest ${maximum}`;
  const text = [`${images} images were read`];
  if (width !== undefined && height !== undefined) text.push(side("width", width), side("height", height));
  return text.join("\n");
}

function damageText({ damaged }: ImageSurvey): string {
  if (damaged.length === 0) return "none is damaged";
  const named = damaged.slice(0, MOST_NAMED).map((message) => `  ${message}`);
  if (damaged.length > MOST_NAMED) named.push(`  and ${damaged.length - MOST_NAMED} more`);
  return [`${damaged.length} damaged:`, ...named].join("\n");
}
