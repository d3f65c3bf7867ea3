/** `deno task export`: writes a checkpoint for other programs. */

import { f32, Graph, UsageError } from "../../core/mod.ts";
import { type SequentialModel, summarizeModel } from "../../models/mod.ts";
import {
  type CheckpointInfo,
  describedModel,
  encodeSafetensors,
  expectTensors,
  inferOptions,
  type NamedTensor,
  OPTIMIZER_PREFIX,
  variableSpecs,
} from "../../weights/mod.ts";
import { defineCommand } from "../command.ts";
import { splitPath, writeFile } from "../../files/mod.ts";
import { exportOnnx, OPSET } from "../../onnx/mod.ts";
import { MOST, type Values } from "../options/option.ts";
import { readRunConfig } from "../options/resume.ts";
import { runFolder } from "../options/run_data.ts";
import { chosenNormalisation, NORMALISATION_OPTIONS } from "../options/preparation_options.ts";
import { CHECKPOINT_OPTIONS, modelOf, readChosenCheckpoint } from "../options/shared_options.ts";
import { printLines } from "../reports/layout.ts";
import { modelCard } from "../run_report/model_card.ts";
import { gatherReport, isRunConfig } from "../run_report/run_report.ts";

const OPTIONS = {
  ...CHECKPOINT_OPTIONS,
  format: {
    kind: "text",
    about:
      "onnx: the network and its weights; safetensors: the weights alone, by torchvision's names; defaults to what " +
      "the name of --out ends in, else onnx",
    choices: ["onnx", "safetensors"],
  },
  out: { kind: "text", value: "FILE", about: "what to write" },
  classes: {
    kind: "integer",
    about: "its number of classes; defaults to the model's own",
    minimum: 2,
    maximum: MOST.classes,
  },
  size: {
    kind: "integer",
    about: "height and width of its images; defaults to the model's own",
    minimum: 1,
    maximum: MOST.size,
  },
  fold: { kind: "flag", about: "fold batch norm into the convolutions of an ONNX file", default: true },
  batch: { kind: "text", value: "dynamic|N", about: "images in a batch of an ONNX file", default: "dynamic" },
  normalise: {
    kind: "flag",
    about: "let an ONNX file take pixels from 0 to 1 and normalise them itself",
    default: false,
  },
  ...NORMALISATION_OPTIONS,
  card: {
    kind: "flag",
    about: "write model_card.md beside it: what the run knows of the network, and what its author is to add",
    default: false,
  },
} as const;

/** A checkpoint and the model that it is of. */
interface Trained {
  readonly model: SequentialModel;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly info?: CheckpointInfo;
  readonly source: string;
}

/** `deno task export`. */
export const exportCommand = defineCommand({
  name: "export",
  about: "Write a checkpoint for other programs: as an ONNX model, or its weights alone.",
  options: OPTIONS,
  examples: [
    ["--checkpoint runs/first --out first.onnx", "the best checkpoint of a run, for any batch size"],
    ["--checkpoint runs/first --out first.onnx --normalise --batch 1", "for single images of pixels from 0 to 1"],
    ["--checkpoint resnet18.safetensors --model resnet18 --out resnet18.onnx", "a bare weight file"],
    ["--checkpoint runs/first --out first/first.onnx --card", "and first/model_card.md, to be published with it"],
    ["--checkpoint runs/first --out weights.safetensors", "weights that PyTorch can load"],
  ],
}, async (values) => {
  const { out, fold, normalise } = values;
  if (out === undefined) throw new UsageError("--out: expected the file to write, but none was given");
  const format = values.format ?? (out.endsWith(".safetensors") ? "safetensors" : "onnx");
  const batch = batchSize(values.batch);
  if (format !== "onnx" && (batch !== undefined || normalise || (values.mean ?? values.std) !== undefined)) {
    throw new UsageError(
      "--batch, --normalise, --mean and --std are for ONNX files; a safetensors file holds weights only",
    );
  }
  const other = { onnx: ".safetensors", safetensors: ".onnx" }[format];
  if (other !== undefined && out.endsWith(other)) {
    throw new UsageError(`--out: ${out} ends in ${other}, but --format is ${format}; make them agree`);
  }
  const trained = await readTrained(values);
  const known = normalise || (trained.info ?? values.mean ?? values.std) !== undefined;
  const chosen = format === "onnx" && known ? await chosenNormalisation(trained, trained.model, values) : undefined;
  const bytes = format === "onnx"
    ? await exportOnnx(trained, { model: trained.model, batch, fold, normalisation: chosen?.normalisation, normalise })
    : weightFile(trained);
  await writeFile(out, bytes);
  const { model } = trained, size = `${(bytes.length / 2 ** 20).toFixed(1)} MiB`;
  if (format === "onnx") {
    const count = batch ?? "N", about = `batch norm ${fold ? "folded" : "kept"}`;
    const pixels = normalise ? "pixels from 0 to 1" : "normalised pixels";
    printLines(`${out}: ${model.name} as ONNX, operators of version ${OPSET}, ${about}, ${size}`);
    printLines(
      `input image [${
        [count, ...model.inputShape].join(", ")
      }] of ${pixels}, output logits [${count}, ${model.classes}]`,
    );
    if (chosen !== undefined) {
      printLines(`normalised by ${chosen.origin}${normalise ? ", in the model" : ", beforehand"}`);
    }
  } else printLines(`${out}: the weights of ${model.name} by torchvision's names, ${size}`);
  if (values.card) await writeCard(out, trained, values.checkpoint!);
});

/** Writes the card beside a file. Figures are of the best checkpoint of a run, so that others have none. */
async function writeCard(out: string, { model, info, source }: Trained, checkpoint: string): Promise<void> {
  const run = /(?:^|[\\/])best\.safetensors$/.test(source) ? await runFolder(checkpoint) : undefined;
  const isRun = run !== undefined && isRunConfig(await readRunConfig(run));
  const report = isRun ? await gatherReport(run, { plots: false }) : undefined;
  const { folder, name: file } = splitPath(out), path = `${folder}/model_card.md`;
  const { parameters } = summarizeModel(model), { name, inputShape, classes } = model;
  const card = modelCard({ file, model: name, inputShape, classes, parameters, info, report });
  await writeFile(path, new TextEncoder().encode(card));
  printLines(`${path}: what is known of it; its licence and what it is for are left to fill in`);
}

/** The number that was asked for, or nothing for any. */
function batchSize(text: string): number | undefined {
  if (text === "dynamic") return undefined;
  const batch = Number(text);
  if (Number.isSafeInteger(batch) && batch >= 1) return batch;
  throw new UsageError(`--batch: expected dynamic or a whole number of at least 1 but "${text}" came`);
}

/** Reads a checkpoint, makes its model, and checks that they belong together. */
async function readTrained(values: Values<typeof OPTIONS>): Promise<Trained> {
  const checkpoint = await readChosenCheckpoint(values), { model: name, classes, size } = values;
  if (checkpoint.info !== undefined && (classes ?? size) !== undefined) {
    throw new UsageError(
      `--${classes === undefined ? "size" : "classes"}: ${checkpoint.source} says that of itself; leave it away`,
    );
  }
  const description = modelOf(checkpoint, { name, classes }), own = describedModel(description);
  if (checkpoint.info !== undefined) return { ...checkpoint, model: own };
  const [channels, height, width] = inferOptions(own, checkpoint.tensors).inputShape;
  const inputShape = [channels, size ?? height, size ?? width] as const;
  return { ...checkpoint, model: describedModel({ ...description, inputShape }) };
}

function weightFile({ model, tensors, source }: Trained): Uint8Array {
  const graph = new Graph({ training: false });
  model.forward(graph, graph.input("image", f32([1, ...model.inputShape])));
  expectTensors(variableSpecs(graph), tensors, source);
  const weights = [...tensors].filter(([name]) => !name.startsWith(OPTIMIZER_PREFIX));
  // PyTorch's loaders look for the format.
  return encodeSafetensors(new Map(weights), { format: "pt" });
}
