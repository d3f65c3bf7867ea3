/** `deno task tune`: times the kernels of a model on this adapter ahead of time, and hands choices on as a file. */

import {
  type Backend,
  DEVICE_PROFILES,
  type DeviceProfile,
  kernelTable,
  requestAdapter,
  UsageError,
  WebGpuBackend,
} from "../../core/mod.ts";
import { type Model, modelByName } from "../../models/mod.ts";
import { compileFoldedInference, compileInference } from "../../inference/mod.ts";
import { Trainer } from "../../train/mod.ts";
import { Variables } from "../../weights/mod.ts";
import { defineCommand } from "../command.ts";
import { writeFile } from "../../files/mod.ts";
import { printLines, printText, widthOf } from "../reports/layout.ts";
import { Interrupt } from "../interrupt.ts";
import { type Condition, MOST } from "../options/option.ts";
import { beside } from "../options/conditions.ts";
import { refusePositionals } from "../options/parse_options.ts";
import { loadGpu } from "../gpu/load_gpu.ts";
import { GPU_OPTION, MODEL_OPTION } from "../options/shared_options.ts";
import { rejectUnusedOptions } from "../options/unused_options.ts";
import { APPLICATION_POSITIONALS, DEVICE_OPTION, parseApplication } from "../tuning/application.ts";
import { explainApplication, explainModel } from "../tuning/explain.ts";
import { openTuningFile, readTuning, tuneOptions, type TuneReport } from "../tuning/tune_option.ts";
import type { TuningFile } from "../tuning/tuning_file.ts";

/** Where an adapter is asked, and not a named device. */
const WITH_ADAPTER: Condition = ({ device }) =>
  device === undefined ? undefined : "--device names a device that need not be at hand";

const OPTIONS = {
  model: { ...MODEL_OPTION, about: "the model whose kernels are timed: those of training, evaluation and prediction" },
  classes: {
    kind: "integer",
    about: "its number of classes. Defaults to the model's own",
    minimum: 2,
    maximum: MOST.classes,
  },
  size: {
    kind: "integer",
    about: "height and width of its images. Defaults to the model's own",
    minimum: 1,
    maximum: MOST.size,
  },
  batch: {
    kind: "integer",
    about: "images in a batch, or in a part of one for --accumulate",
    default: 128,
    minimum: 1,
    maximum: MOST.batch,
  },
  export: { kind: "text", value: "FILE", about: "write this adapter's choices, for --tune FILE or --import elsewhere" },
  import: { kind: "text", value: "FILE", about: "add the choices of a file to this adapter's" },
  table: {
    kind: "text",
    value: "FILE",
    about:
      "write this adapter's choices as a table by classes of shapes, for --tune FILE and openBackend on other machines",
  },
  for: {
    kind: "text",
    about: "with --table: which devices the table is for, those of this name, architecture or vendor",
    default: "device",
    choices: ["device", "architecture", "vendor"],
    heededBy: beside("table", "expected --table too"),
  },
  seconds: {
    kind: "number",
    about: "ends the timing of ops after that many seconds, those that take the longest first. Defaults to none",
    minimum: 1,
    heededBy: beside("model", "expected --model too"),
  },
  explain: {
    kind: "flag",
    about: "say which kernels would run, and why; times nothing and needs no GPU: of an op, or of --model",
    default: false,
  },
  inference: {
    kind: "flag",
    about: "with --explain --model: the kernels of an inference, not of a training step",
    default: false,
    heededBy: beside("explain", "expected --explain too"),
  },
  device: { ...DEVICE_OPTION, heededBy: beside("explain", "expected --explain too") },
  gpu: {
    ...GPU_OPTION,
    heededBy: WITH_ADAPTER,
  },
  clear: { kind: "flag", about: "forget this adapter's choices first", default: false },
  progress: { kind: "flag", about: "show the progress line on a terminal", default: true },
} as const;

/** `deno task tune`. */
export const tuneCommand = defineCommand({
  name: "tune",
  about: "Choose the kernels of WebGPU by timing them on this adapter, and keep the choices for --tune cache.",
  options: OPTIONS,
  positionals: { ...APPLICATION_POSITIONALS, value: `[--explain ${APPLICATION_POSITIONALS.value}]` },
  examples: [
    ["--model resnet20", "time what training and evaluating a ResNet-20 at batch 128 needs"],
    ["--export choices.json", "write what is known of this adapter"],
    ["--import choices.json", "use it on another machine with the same adapter"],
    ["--model resnet50 --batch 64 --seconds 60", "time for a minute, what takes the longest first"],
    ["--table hopper.json --for architecture", "write a table that holds on GPUs of this architecture"],
    [
      "--explain conv2d 64x64x56x56,64x64x3x3 padding=1 --device nvidia-hopper",
      "which kernel a convolution runs on an H100",
    ],
    ["--explain --model resnet50 --batch 64 --device nvidia-hopper", "which kernels a training step runs there"],
    ["--model resnet20 --gpu dawn", "time the kernels on the adapter that Dawn finds"],
    ["", "say what is known, and where it is kept"],
  ],
}, async (values, { given, positionals }) => {
  rejectUnusedOptions(OPTIONS, values, given);
  const { model: name, classes, size, batch } = values;
  if (name === undefined && (classes ?? size) !== undefined) {
    throw new UsageError("--classes and --size describe the model that is timed; name it with --model");
  }
  const model = name === undefined
    ? undefined
    : modelByName(name, { classes, inputShape: size === undefined ? undefined : [3, size, size] });
  if (values.explain) return console.log(await explain(values, positionals, model));
  refusePositionals("tune", positionals);
  const backend = await WebGpuBackend.create({ gpu: await loadGpu(values.gpu) });
  using interrupt = new Interrupt(() =>
    console.error("Keeping what was timed so far; interrupt again to leave at once.")
  );
  try {
    const file = openTuningFile(backend.tuner);
    if (values.clear) file.clear();
    if (values.import !== undefined) file.add(readTuning(values.import, backend.tuner).entries());
    if (model !== undefined) {
      const until = values.seconds === undefined ? undefined : performance.now() + 1000 * values.seconds;
      await tuneModel(model, batch, backend, { progress: values.progress, signal: interrupt.signal, until });
    }
    const known = openTuningFile(backend.tuner);
    await report(known, backend, values.export);
    if (values.table !== undefined) await writeTable(values.table, values.for as DeviceKey, known, backend);
  } finally {
    backend.destroy();
  }
});

/** What --explain says, of a model or of an op, on a named device or on the adapter at hand. */
async function explain(
  { batch, inference, device: name, gpu }: {
    readonly batch: number;
    readonly inference: boolean;
    readonly device?: string;
    readonly gpu: string;
  },
  positionals: readonly string[],
  model: Model | undefined,
): Promise<string> {
  const device = name === undefined ? await deviceAtHand(gpu) : DEVICE_PROFILES[name];
  // What is written to a file keeps all columns.
  const width = Deno.stdout.isTerminal() ? widthOf() : Infinity;
  if (model === undefined) return explainApplication(parseApplication(positionals), device, width);
  refusePositionals("tune --explain --model", positionals);
  return explainModel(model, batch, inference, device, width);
}

/** The adapter at hand, or what every adapter offers where there is none. */
async function deviceAtHand(implementation: string): Promise<DeviceProfile> {
  const gpu = await loadGpu(implementation);
  if (await requestAdapter({ gpu }) === undefined) return DEVICE_PROFILES.default;
  const backend = await WebGpuBackend.create({ gpu });
  backend.destroy();
  return backend.profile;
}

/** Times the kernels of a training step, of its validation, and of a loaded model at that batch and for one image. */
async function tuneModel(model: Model, batch: number, backend: Backend, report: TuneReport): Promise<void> {
  const tuneFor = (what: string) =>
    tuneOptions("full", backend, { ...report, verified: (text) => printText(`${what}: ${text}`) });
  const trainer = await Trainer.create({ model, backend, batch, tune: tuneFor("training") });
  try {
    const tensors = await trainer.variables.read(false), { variables } = trainer;
    (await compileInference(model, backend, batch, variables, { tune: tuneFor("evaluation") })).destroy();
    for (const images of new Set([1, batch])) {
      const folded = new Variables(), tune = tuneFor(`prediction of ${images}`);
      try {
        (await compileFoldedInference(model, backend, images, folded, tensors, model.name, { tune })).destroy();
      } finally {
        folded.destroy();
      }
    }
  } finally {
    trainer.destroy();
  }
}

/** Which devices a table is for. */
type DeviceKey = "device" | "architecture" | "vendor";

/** Writes this adapter's choices as a table. */
async function writeTable(path: string, key: DeviceKey, { table }: TuningFile, backend: WebGpuBackend): Promise<void> {
  const { name, architecture, vendor } = backend.profile, device = { device: name, architecture, vendor }[key];
  if (device === "") throw new UsageError(`--for: the adapter ${name} does not tell its ${key}; take --for device`);
  const measured = table.entries().flatMap(([, { kernel, configuration, shapeClass, saved }]) =>
    kernel === undefined || configuration === undefined || shapeClass === undefined
      ? []
      : [{ kernel, configuration, shapeClass, saved: saved ?? 0 }]
  );
  if (measured.length === 0) throw new UsageError("--table: there are no choices yet; make some with --model");
  const written = kernelTable(device, `timed on ${name}`, measured);
  await writeFile(path, new TextEncoder().encode(`${JSON.stringify(written, null, 1)}\n`));
  printText(
    `A table for ${device} of ${Object.keys(written.choices).length} classes of shapes was written to ${path}`,
  );
}

/** Says what is known, and writes it where that is asked for. */
async function report({ table, path }: TuningFile, { description }: Backend, out?: string): Promise<void> {
  // A path stays whole, so that it can be copied.
  printLines(`${description}: ${table.size} choices of kernels in\n  ${path}`);
  if (out === undefined) return;
  if (table.size === 0) throw new UsageError("--export: there are no choices yet; make some with --model");
  await writeFile(out, new TextEncoder().encode(`${JSON.stringify(table, null, 1)}\n`));
  printLines(`They were written to ${out}`);
}
