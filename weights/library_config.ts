/** What `config.json` and `preprocessor_config.json` beside weights of Hugging Face's transformers and of timm say of them. */

import type { Normalisation, Preprocessing } from "../data/mod.ts";
import type { Checkpoint, CheckpointInfo, ModelDescription } from "./checkpoint.ts";

/** What was made of the files. */
export interface LibraryConfig {
  /** The network, its classes and how its images are made ready; nothing if they are of no network that is known. */
  readonly info?: CheckpointInfo;
  /** What of them is not done as they say, a sentence each. */
  readonly notes: readonly string[];
}

/** The depths of He et al.'s networks of basic blocks and of bottleneck blocks. */
const DEPTHS: Readonly<Record<string, string>> = {
  "basic 2,2,2,2": "resnet18",
  "basic 3,4,6,3": "resnet34",
  "bottleneck 3,4,6,3": "resnet50",
  "bottleneck 3,4,23,3": "resnet101",
  "bottleneck 3,8,36,3": "resnet152",
};
const WIDTHS: Readonly<Record<string, string>> = { basic: "64,128,256,512", bottleneck: "256,512,1024,2048" };

/** How images of a network are made ready, as a library says it. */
interface Images {
  readonly normalisation: Normalisation;
  readonly resize: number;
  readonly crop: number;
  readonly bilinear: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Makes a description of a network of what transformers or timm say of it.
 *
 * @param config The content of `config.json`, parsed.
 * @param preprocessor That of `preprocessor_config.json`, parsed, where there is one.
 *
 * @example
 * ```ts
 * import { readLibraryConfig } from "@residua/residua/weights";
 * const { info } = readLibraryConfig({
 *   architecture: "resnet18",
 *   num_classes: 1000,
 *   pretrained_cfg: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], input_size: [3, 224, 224], crop_pct: 0.875 },
 * });
 * console.log(info?.model.name, info?.preprocessing?.resize); // resnet18 256
 * ```
 */
export function readLibraryConfig(config: unknown, preprocessor?: unknown): LibraryConfig {
  const json = asObject(config), timm = typeof json.architecture === "string";
  const network = timm ? timmModel(json.architecture as string) : transformersModel(json);
  const settings = asObject(json.pretrained_cfg);
  const images = timm ? timmImages(settings) : transformersImages(asObject(preprocessor), json);
  if (network === undefined) return { notes: [] };
  if (images === undefined) {
    const where = timm ? "its pretrained_cfg" : "preprocessor_config.json beside it";
    return {
      notes: [`config.json describes ${network.name}, but ${where} does not say how images are made ready; left aside`],
    };
  }
  const classes = timm ? timmClasses(json, settings) : labels(asObject(json.id2label));
  if (classes === undefined) return { notes: [] };
  const { normalisation, resize, crop, bilinear } = images, channels = normalisation.std.length;
  const preprocessing: Preprocessing = { resize, crop: [crop, crop], interpolation: "bilinear" };
  const model = { ...network, classes: classes.length, inputShape: [channels, crop, crop] as const };
  const notes = bilinear ? [] : ["its images were resized bicubically, here they are resized bilinearly"];
  return { info: { model, classes, normalisation, preprocessing }, notes };
}

/** A network, but for its classes and images. */
type Network = Omit<ModelDescription, "classes" | "inputShape">;

/**
 * Whether only `config.json` can say what the network of weights computes: transformers' MobileNet-V2 pads and normalises
 * as TensorFlow does, or as PyTorch, and its tensors are the same.
 *
 * @example
 * ```ts
 * import { needsLibraryConfig } from "@residua/residua/weights";
 * console.log(needsLibraryConfig({ tensors: new Map(), naming: "timm MobileNet-V2" })); // false
 * ```
 */
export function needsLibraryConfig({ naming, info }: Checkpoint): boolean {
  return naming === "transformers MobileNet-V2" && info === undefined;
}

function timmModel(architecture: string): Network | undefined {
  if (/^resnet(18|34|50|101|152)$/.test(architecture)) return { name: architecture };
  const width = /^mobilenetv2_(035|050|075|100|140)$/.exec(architecture)?.[1];
  return width === undefined ? undefined : { name: mobileNetName(Number(width) / 100) };
}

function mobileNetName(width: number): string {
  return width === 1 ? "mobilenet_v2" : `mobilenet_v2_${width}`;
}

function transformersModel(config: Json): Network | undefined {
  const { model_type: type } = config;
  return type === "resnet"
    ? transformersResNet(config)
    : type === "mobilenet_v2"
    ? transformersMobileNet(config)
    : undefined;
}

/** A ResNet whose blocks are torchvision's; the options of transformers that change them must be as there. */
function transformersResNet(config: Json): Network | undefined {
  const { layer_type: layer = "bottleneck", depths = [3, 4, 6, 3], embedding_size: stem = 64 } = config;
  const { hidden_sizes: widths = [256, 512, 1024, 2048], hidden_act: act = "relu" } = config;
  const { downsample_in_first_stage: first = false, downsample_in_bottleneck: early = false } = config;
  if (stem !== 64 || act !== "relu" || first !== false || early !== false) return undefined;
  const name = WIDTHS[String(layer)] === String(widths) ? DEPTHS[`${layer} ${depths}`] : undefined;
  return name === undefined ? undefined : { name };
}

/** What a MobileNet-V2 of transformers is that has the layers of the paper. */
const MOBILENET_LAYERS: Json = {
  depth_divisible_by: 8,
  min_depth: 8,
  expand_ratio: 6,
  output_stride: 32,
  first_layer_is_expansion: true,
  hidden_act: "relu6",
};

/** A MobileNet-V2, of the paper's layers; what is missing is as transformers has it, which is as TensorFlow's. */
function transformersMobileNet(config: Json): Network | undefined {
  const { depth_multiplier: width = 1, finegrained_output: fine = true } = config;
  const { tf_padding: same = true, layer_norm_eps: epsilon = 1e-3 } = config;
  const isPositive = (value: unknown): value is number => typeof value === "number" && value > 0 && value < Infinity;
  const known = Object.entries(MOBILENET_LAYERS).every(([key, value]) => (config[key] ?? value) === value);
  if (!known || !isPositive(width) || !isPositive(epsilon)) return undefined;
  const network = { name: mobileNetName(width), padding: same === true ? "same" : "symmetric", epsilon } as const;
  return fine === false && width < 1 ? { ...network, lastWidth: width } : network;
}

function transformersImages(preprocessor: Json, { model_type: type, image_size: own = 224 }: Json): Images | undefined {
  const { image_mean: mean, image_std: std, resample = 2, crop_pct: part = 224 / 256 } = preprocessor;
  const { size, crop_size: crop = type === "mobilenet_v2" ? own : undefined } = preprocessor;
  const edge = asSide(size), middle = asSide(crop);
  if (!isChannels(mean) || !isChannels(std) || mean.length !== std.length || edge === undefined) return undefined;
  const images = { normalisation: { mean, std }, bilinear: resample === 2 };
  // A crop of its own, or that of ConvNeXT's processor: the size is the crop, and is a part of what it is resized to.
  if (middle !== undefined) return edge < middle ? undefined : { ...images, resize: edge, crop: middle };
  // From 384 pixels on, that processor squeezes the whole image into a square.
  if (!isShare(part) || edge >= SQUEEZED) return undefined;
  return { ...images, resize: Math.floor(edge / part), crop: edge };
}

const SQUEEZED = 384;

function timmImages({ mean, std, input_size: size, crop_pct: part = 0.875, interpolation }: Json): Images | undefined {
  if (!isChannels(mean) || !isChannels(std) || mean.length !== std.length || !isShare(part)) return undefined;
  const crop = Array.isArray(size) && size.length === 3 && size[1] === size[2] ? asSide(size[1]) : undefined;
  if (crop === undefined) return undefined;
  const bilinear = interpolation === undefined || interpolation === "bilinear";
  return { normalisation: { mean, std }, resize: Math.floor(crop / part), crop, bilinear };
}

function timmClasses({ num_classes: count, label_names: names }: Json, settings: Json): string[] | undefined {
  const classes = Number(count ?? settings.num_classes);
  if (!Number.isSafeInteger(classes) || classes < 1 || classes > MOST_CLASSES) return undefined;
  const known = Array.isArray(names) && names.length === classes && names.every((name) => typeof name === "string");
  return known ? names as string[] : Array.from({ length: classes }, (_, k) => String(k));
}

const MOST_CLASSES = 1_000_000;

/** The names of classes by their numbers; nothing unless the numbers are those from 0 on. */
function labels(byNumber: Json): string[] | undefined {
  const count = Object.keys(byNumber).length, names = Array.from({ length: count }, (_, k) => byNumber[k]);
  return count > 0 && names.every((name) => typeof name === "string") ? names as string[] : undefined;
}

/** A side in pixels: a number, or what transformers makes of one. */
function asSide(size: unknown): number | undefined {
  if (typeof size === "number") return Number.isSafeInteger(size) && size > 0 ? size : undefined;
  const { shortest_edge: edge, height, width } = asObject(size);
  return typeof edge === "number"
    ? asSide(edge)
    : height === width && height !== undefined
    ? asSide(height)
    : undefined;
}

function isShare(part: unknown): part is number {
  return typeof part === "number" && part > 0 && part <= 1;
}

function isChannels(values: unknown): values is number[] {
  return Array.isArray(values) && (values.length === 1 || values.length === 3) && values.every(Number.isFinite);
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null ? value as Json : {};
}
