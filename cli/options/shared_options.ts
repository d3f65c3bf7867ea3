/** Options that several commands share, and what they open. */

import { type Backend, type BackendChoice, openBackend, UsageError } from "../../core/mod.ts";
import { MODEL_NAMES, modelByName, MODELS } from "../../models/mod.ts";
import type { Checkpoint, ModelDescription } from "../../weights/mod.ts";
import { GPU_NAMES, loadGpu } from "../gpu/load_gpu.ts";
import { readCheckpoint } from "../weights/read_checkpoint.ts";
import { inGroup, MOST } from "./option.ts";

/** The option --gpu. */
export const GPU_OPTION = {
  kind: "text",
  about: "the implementation of WebGPU: Deno's own, or Dawn, Chromium's, by npm's package webgpu (51 MB)",
  default: "deno",
  choices: GPU_NAMES,
  mayChangeOnResume: true,
} as const;

/** The options --backend, --gpu, --threads and --stall-timeout. */
export const BACKEND_OPTIONS = inGroup(
  "Device",
  {
    backend: {
      kind: "text",
      about: "where to compute; auto takes a hardware GPU if there is one, else the CPU",
      default: "auto",
      choices: ["auto", "webgpu", "cpu"],
      mayChangeOnResume: true,
    },
    gpu: GPU_OPTION,
    threads: {
      kind: "integer",
      about: "threads of the CPU backend; defaults to one a core",
      minimum: 1,
      maximum: MOST.threads,
      mayChangeOnResume: true,
    },
    "stall-timeout": {
      kind: "number",
      value: "SECONDS",
      about:
        "seconds without any progress after which the GPU, a thread or a worker is taken to hang, and the run ends; " +
        "defaults to 300 for a step of a GPU, 1800 for one of a software adapter, 120 for threads, 600 for workers",
      minimum: 1,
      mayChangeOnResume: true,
    },
  } as const,
);

/** The option --precision. */
export const PRECISION_OPTION = {
  kind: "text",
  group: "Device",
  about: "how to compute; mixed takes float16 where it can, on WebGPU adapters that have it",
  default: "float32",
  choices: ["float32", "mixed"],
} as const;

/** The models by the size of image that they are made for. */
function modelsBySize(): string {
  const lists = new Map<string, string>();
  for (const { inputShape: [, height, width], about } of MODELS) {
    const size = `${height}x${width}`, list = lists.get(size);
    lists.set(size, list === undefined ? about : `${list}, ${about}`);
  }
  return [...lists].map(([size, list]) => `for images of ${size}: ${list}`).join("; ");
}

/** The option --model. */
export const MODEL_OPTION = {
  kind: "text",
  group: "Model",
  value: "NAME",
  about: modelsBySize(),
  suggests: MODEL_NAMES,
} as const;

/** The options of commands that take a checkpoint. */
export const CHECKPOINT_OPTIONS = inGroup(
  "Model",
  {
    checkpoint: {
      kind: "text",
      value: "FILE|RUN|NAME",
      about:
        "a safetensors or PyTorch file, an index of shards, a folder: a run (its best checkpoint) or Hugging Face's; or " +
        "torchvision's published weights: imagenet with --model, torchvision:NETWORK or torchvision:NETWORK.WEIGHTS",
    },
    model: { ...MODEL_OPTION, about: "the model of a bare weight file" },
  } as const,
);

/**
 * Reads the checkpoint that was asked for.
 *
 * @throws {UsageError} If none was, or it is of another model than was named.
 */
export async function readChosenCheckpoint(
  { checkpoint, model, progress }: {
    readonly checkpoint?: string;
    readonly model?: string;
    readonly progress?: boolean;
  },
): Promise<Checkpoint & { readonly source: string }> {
  if (checkpoint === undefined) {
    throw new UsageError("--checkpoint: expected a weight file or a run folder, but none was given");
  }
  const named = model === undefined ? undefined : modelByName(model);
  const found = await readCheckpoint(checkpoint, { model: named, progress }), own = found.info?.model?.name;
  if (own !== undefined && model !== undefined && model !== own) {
    throw new UsageError(`--model: ${found.source} is of ${own}, so it cannot be read as ${model}`);
  }
  return found;
}

/**
 * The model of a checkpoint.
 *
 * @param given What holds for a bare weight file, which does not say it.
 * @throws {UsageError} If neither says it.
 */
export function modelOf(
  { info, source }: Pick<Checkpoint, "info"> & { readonly source: string },
  { name, ...given }: Partial<ModelDescription>,
): ModelDescription {
  if (info !== undefined) return info.model;
  if (name === undefined) throw new UsageError(`${source} does not say which model it is of; name it with --model`);
  return { name, ...given };
}

/** Where a command computes, and how. */
export function describeWork({ description }: Backend, { precision }: { readonly precision: string }): string {
  return precision === "float32" ? description : `${description}, ${precision} precision`;
}

/** Opens the backend that was asked for; `memory` is in MiB. */
export async function openChosenBackend(
  { backend, gpu, threads, memory, "stall-timeout": stallTimeout }: {
    readonly backend: string;
    readonly gpu: string;
    readonly threads?: number;
    readonly memory?: number;
    readonly "stall-timeout"?: number;
  },
): Promise<Backend> {
  const bytes = memory === undefined ? undefined : memory * 2 ** 20;
  const given = { threads, memory: bytes, stallTimeout, gpu: await loadGpu(gpu) };
  return await openBackend(backend as BackendChoice, given);
}
