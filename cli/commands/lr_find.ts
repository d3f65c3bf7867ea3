/** `deno task lr-find`: which learning rate suits. */

import { printable, UsageError } from "../../core/mod.ts";
import { whyNotLoaded, writeFile } from "../../files/mod.ts";
import { loadPlots } from "../../plots/mod.ts";
import type { RateTest } from "../../train/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { Interrupt } from "../interrupt.ts";
import { drawChart } from "../live/chart.ts";
import { type OptionTable, type Values } from "../options/option.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { openChosenBackend } from "../options/shared_options.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import { printLines, printNotice, printText, widthOf } from "../reports/layout.ts";
import { ProgressLine } from "../reports/progress.ts";
import { completeValues } from "../training/resolve_run.ts";
import { openStart, readInit } from "../training/start.ts";
import { roundedRate, testRates } from "../training/test_rates.ts";
import { openWork } from "../training/work.ts";
import { tuneOptions } from "../tuning/tune_option.ts";

/** A table without some of its options. */
function without<T extends OptionTable, K extends keyof T>(table: T, names: readonly K[]): Omit<T, K> {
  const left = Object.entries(table).filter(([name]) => !(names as readonly PropertyKey[]).includes(name));
  return Object.fromEntries(left) as OptionTable as T;
}

/** What a test of rates decides itself, and what is of runs that are kept. */
const LEFT_OUT = [
  ...[
    "recipe",
    "print-recipe",
    "epochs",
    "steps",
    "early-stop",
    "lr",
    "head-epochs",
    "ema",
    "deterministic",
  ] as const,
  ...["schedule", "factor", "milestones", "patience", "threshold", "cooldown", "monitor", "min-lr"] as const,
  ...["warmup", "warmup-until", "warmup-lr", "resume", "out", "checkpoint-minutes", "checkpoint-steps"] as const,
  ...["keep", "profile", "plain", "json", "progress"] as const,
];

const OWN_OPTIONS = {
  from: { kind: "number", about: "the first rate", default: 1e-5, minimum: 0 },
  to: { kind: "number", about: "the last rate", default: 10, minimum: 0 },
  steps: { kind: "integer", about: "steps from the one to the other", default: 100, minimum: 10, maximum: 100_000 },
  out: { kind: "text", group: "Output", value: "FILE.svg", about: "draw the losses" },
  progress: { kind: "flag", group: "Output", about: "show the progress line on a terminal", default: true },
  json: { kind: "flag", group: "Output", about: "print the result as JSON", default: false },
} as const;

const OPTIONS = { ...OWN_OPTIONS, ...without(TRAIN_OPTIONS, LEFT_OUT) };

/** `deno task lr-find`. */
export const lrFindCommand = defineCommand({
  name: "lr-find",
  about: "Find a learning rate: train for some steps while it grows, and look where the loss falls fastest.",
  options: OPTIONS,
  examples: [
    ["--data photos", "for the network that train would choose"],
    ["--data photos --model resnet18 --optimizer adamw --out rates.svg", "for another, and as a drawing"],
    ["--data photos --model resnet50 --init imagenet --to 1", "for fine-tuning"],
  ],
}, lrFind);

async function lrFind(own: Values<typeof OPTIONS>, { given: all }: GivenArguments): Promise<void> {
  const { from, to, steps, out, json, progress } = own;
  if (out !== undefined && !/\.svg$/i.test(out)) {
    throw new UsageError(`--out: expected the name of an SVG file, such as rates.svg, but "${printable(out)}" came`);
  }
  const given = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(OWN_OPTIONS, name)));
  const values = completeValues(resolveOptions(TRAIN_OPTIONS, given), given);
  const work = await openWork({ values, decided: new Set(Object.keys(given)) }), { set, batch } = work;
  const shows = progress && !json, initial = await readInit(work, shows);
  using line = new ProgressLine(shows);
  using interrupt = new Interrupt(() => {});
  const start = await openStart(
    work,
    initial,
    false,
    (done, total) => line.onProgress({ activity: "statistics", done, total }),
  );
  const backend = await openChosenBackend(work.values);
  let test: RateTest;
  try {
    test = await testRates(work, start, backend, {
      tune: tuneOptions(work.values.tune, backend, { progress: shows }),
      from,
      to,
      steps,
      signal: interrupt.signal,
      callbacks: [line],
    });
  } finally {
    line.clear();
    backend.destroy();
  }
  const { model } = start;
  if (out !== undefined) await draw(out, `${model.name} on ${set.name}, batches of ${batch}`, test);
  if (json) return console.log(JSON.stringify(test));
  printText(`${model.name} on ${printable(set.name)}, batches of ${batch}, ${test.points.length} steps`);
  printLines(chartText(test));
  printText(adviceText(test));
  if (out !== undefined) printLines(`The losses are drawn in ${out}`);
}

async function draw(out: string, title: string, { points, suggested }: RateTest): Promise<void> {
  try {
    const svg = (await loadPlots()).ratesSvg(points, suggested, title);
    await writeFile(out, new TextEncoder().encode(svg));
  } catch (error) {
    printNotice(`warning: ${out} is not written: ${whyNotLoaded(error)}`);
  }
}

/** The smoothed loss by the logarithm of the rate. Where it grows beyond the first, little is to be seen. */
function chartText({ points, suggested }: RateTest): string {
  const [first, last] = [points[0].rate, points[points.length - 1].rate], most = 1.5 * points[0].smoothed;
  const along = (rate: number) => Math.log(rate / first);
  const line = points.map(({ rate, smoothed }) => ({ x: along(rate), y: Math.min(smoothed, most) }));
  const mark = points.find(({ rate }) => rate === suggested);
  return drawChart({
    title: `smoothed loss by the logarithm of the rate, from ${roundedRate(first)}`,
    width: Math.min(100, widthOf() - 1),
    height: 12,
    line,
    marks: mark === undefined ? [] : [{ x: along(mark.rate), y: mark.smoothed }],
    end: along(last),
    endLabel: `rate ${roundedRate(last)}`,
    format: (value) => value.toFixed(2),
    colour: Deno.stdout.isTerminal() && !Deno.noColor,
  }).join("\n");
}

function adviceText({ suggested, least }: RateTest): string {
  if (suggested === undefined || least === undefined) {
    return "The loss falls at no rate; try others by --from and --to, more --steps, or look at the data";
  }
  return `The loss falls fastest at a rate of ${roundedRate(suggested)} (●), and is least at ${roundedRate(least)}.\n` +
    `Try --lr ${roundedRate(suggested)}, with the same --batch`;
}
