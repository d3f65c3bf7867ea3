/** Weight files of our own format, and what stands beside them. */

import { DataError, elementCount, parseJson } from "../../../core/mod.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeShards,
  describedModel,
  encodeSafetensors,
  findProgressFault,
  type NamedTensor,
  readLibraryConfig,
} from "../../../weights/mod.ts";
import { concat } from "../../_bytes.ts";
import type { FuzzTarget } from "../_target.ts";

const utf8 = new TextEncoder();

/** The bytes of arrays that a weight file may be read into: its own as text and as floats, and half ones doubled. */
export const weightMemory = (bytes: number) => 2 ** 16 + 16 * bytes;
/** Messages about weights list nothing. */
export const LONGEST = 500;

/** What of tensors makes no sense. */
export function checkTensors(value: unknown): string | undefined {
  for (const [name, { shape, data }] of (value as Checkpoint).tensors) {
    if (elementCount(shape) !== data.length) return `${name} has ${data.length} elements and the shape ${shape}`;
  }
}

const TENSORS = new Map<string, NamedTensor>([
  ["conv1.weight", { shape: [2, 1, 1, 3], data: Float32Array.from([1, -2, 3.5, 0, 5, 6]) }],
  ["labels", { shape: [2], data: Uint32Array.from([7, 4000000000]) }],
  ["scalar", { shape: [], data: Float32Array.of(0.25) }],
]);

const INFO = {
  model: { name: "resnet20", classes: 2, inputShape: [3, 32, 32], shortcut: "B", padding: "same" },
  classes: ["a", "b"],
  normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
  preprocessing: { resize: 32, crop: [32, 32], interpolation: "bilinear" },
  progress: {
    epochs: 1,
    steps: 5,
    lossSum: 0.5,
    correct: 1,
    bestTop1: 0.5,
    bestLoss: 1,
    staleEpochs: 0,
    validated: { epoch: 1, isBest: true },
    schedule: [1, 2],
    batch: 2,
    data: { train: 10, validation: 2, shape: [3, 32, 32], classes: ["a", "b"], hash: "00" },
  },
};

const CHECKED = encodeSafetensors(TENSORS, { residua: JSON.stringify(INFO) });

/** A file of a header and its data. */
function safetensors(header: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return concat(length, header, data);
}

const HALVES =
  '{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"i":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}';
const WORDS = ["dtype", "shape", "data_offsets", "__metadata__", "F64", "F32", "BF16", "I32", "U8", "BOOL", "F8_E4M3"];

/** The file under whose metadata no checksums are found. */
function unchecked(file: Uint8Array): Uint8Array {
  const text = Array.from(file, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(text.replace("residua.checksums", "another.checksums"), (one) => one.charCodeAt(0));
}

const common = { check: checkTensors, memory: weightMemory, longest: LONGEST } as const;

/** The first file of shards. */
const SHARD = "a.safetensors";

/** The readers. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "safetensors",
    about: "safetensors files, with checksums and without",
    form: "bytes",
    seeds: () => [
      CHECKED,
      unchecked(CHECKED),
      safetensors(utf8.encode(HALVES.padEnd(128)), Uint8Array.of(0, 60, 0, 124, 3, 0, 0, 0, 0, 0, 0, 0)),
    ],
    words: WORDS,
    run: (input) => decodeCheckpoint(input, "mutated"),
    ...common,
  },
  {
    name: "safetensors-header",
    about: "headers of safetensors files, of the right length",
    form: "json",
    seeds: () =>
      [HALVES, '{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}'].map((text) =>
        utf8.encode(text)
      ),
    words: WORDS,
    run: (input) => decodeCheckpoint(safetensors(input, new Uint8Array(12)), "mutated"),
    ...common,
  },
  {
    name: "checkpoint-info",
    about: "what a checkpoint says of its model and its run",
    form: "json",
    seeds: () => [utf8.encode(JSON.stringify(INFO))],
    words: [
      "resnet8",
      "resnet50",
      "mobilenet_v2",
      "plain20",
      "width",
      "epsilon",
      "lastWidth",
      "symmetric",
      "same",
      "A",
      "C",
    ],
    run(input) {
      const text = new TextDecoder().decode(input);
      const checkpoint = decodeCheckpoint(encodeSafetensors(TENSORS, { residua: text }), "mutated");
      describedModel(checkpoint.info!.model);
      const fault = checkpoint.info!.progress && findProgressFault(checkpoint.info!.progress);
      if (fault !== undefined) throw new DataError(fault);
      return checkpoint;
    },
    check: checkTensors,
  },
  {
    name: "checksums",
    about: "the checksums of a safetensors file",
    form: "json",
    seeds() {
      const header = new TextDecoder().decode(CHECKED.subarray(8)).split("\0")[0];
      const end = Number(new DataView(CHECKED.buffer).getBigUint64(0, true));
      return [utf8.encode(JSON.parse(header.slice(0, end)).__metadata__["residua.checksums"])];
    },
    words: ["tensors", "metadata", "conv1.weight", "residua"],
    run(input) {
      const length = Number(new DataView(CHECKED.buffer).getBigUint64(0, true));
      const header = JSON.parse(new TextDecoder().decode(CHECKED.subarray(8, 8 + length)));
      header.__metadata__["residua.checksums"] = new TextDecoder().decode(input);
      return decodeCheckpoint(
        safetensors(utf8.encode(JSON.stringify(header)), CHECKED.subarray(8 + length)),
        "mutated",
      );
    },
    check: checkTensors,
    longest: LONGEST,
  },
  {
    name: "shards",
    about: "the index of weights in several files",
    form: "json",
    seeds: () => [
      utf8.encode(
        JSON.stringify({
          metadata: { total_size: 44 },
          weight_map: Object.fromEntries([...TENSORS.keys()].map((name) => [name, SHARD])),
        }),
      ),
    ],
    words: ["weight_map", SHARD, "b.safetensors", "../a.safetensors", ...TENSORS.keys()],
    run: (input) =>
      decodeShards(input, "model.safetensors.index.json", (name) => {
        if (name === SHARD) return encodeSafetensors(TENSORS);
        throw new DataError(`${name}: there is no such file`);
      }),
    check: checkTensors,
  },
  {
    name: "library-config",
    about: "config.json and preprocessor_config.json of transformers and timm, as one text",
    form: "json",
    seeds: () =>
      [
        {
          config: {
            architecture: "resnet18",
            num_classes: 2,
            label_names: ["a", "b"],
            pretrained_cfg: {
              mean: [0.5, 0.5, 0.5],
              std: [0.2, 0.2, 0.2],
              input_size: [3, 224, 224],
              crop_pct: 0.875,
              interpolation: "bicubic",
            },
          },
        },
        {
          config: {
            model_type: "resnet",
            layer_type: "basic",
            depths: [2, 2, 2, 2],
            hidden_sizes: [64, 128, 256, 512],
            hidden_act: "relu",
            embedding_size: 64,
            id2label: { 0: "a", 1: "b" },
          },
          preprocessor: {
            image_mean: [0.5, 0.5, 0.5],
            image_std: [0.2, 0.2, 0.2],
            size: { shortest_edge: 224 },
            crop_pct: 0.875,
            resample: 3,
          },
        },
        {
          config: {
            model_type: "mobilenet_v2",
            depth_multiplier: 0.5,
            finegrained_output: false,
            tf_padding: true,
            layer_norm_eps: 1e-3,
            id2label: { 0: "a", 1: "b" },
            image_size: 96,
          },
          preprocessor: {
            image_mean: [0.5, 0.5, 0.5],
            image_std: [0.5, 0.5, 0.5],
            size: { shortest_edge: 128 },
            crop_size: { height: 96, width: 96 },
            resample: 2,
          },
        },
      ].map((value) => utf8.encode(JSON.stringify(value))),
    words: [
      "resnet",
      "mobilenet_v2",
      "mobilenetv2_100",
      "resnet50",
      "bottleneck",
      "relu6",
      "height",
      "width",
      "shortest_edge",
    ],
    run(input) {
      const { config, preprocessor } = asObject(parsed(input));
      const read = readLibraryConfig(config, preprocessor);
      if (read.info !== undefined) describedModel(read.info.model);
      return read;
    },
    check(value) {
      const { info } = value as ReturnType<typeof readLibraryConfig>;
      if (info === undefined) return undefined;
      const { normalisation: { mean, std }, classes, model, preprocessing } = info;
      if (![...mean, ...std].every(Number.isFinite) || std.length !== model.inputShape?.[0]) return `std is ${std}`;
      if (classes.length !== model.classes) return `${classes.length} names of ${model.classes} classes`;
      return preprocessing!.resize >= preprocessing!.crop[0]
        ? undefined
        : `${preprocessing!.resize} is cropped to more`;
    },
  },
];

/** A text as files of JSON are parsed; what is none is refused by its reader. */
function parsed(input: Uint8Array): unknown {
  try {
    return parseJson(input, "config.json");
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError("config.json: it is not JSON text");
    throw error;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Readonly<Record<string, unknown>> : {};
}
