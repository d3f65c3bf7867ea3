/** A checkpoint as the bytes of an ONNX file. */

import { argument, DataError, f32, Graph, sentence, UsageError, VERSION } from "../core/mod.ts";
import type { Normalisation } from "../data/mod.ts";
import { whyNotLoaded } from "../files/mod.ts";
import { foldBatchNorm } from "../inference/mod.ts";
import type { SequentialModel } from "../models/mod.ts";
import {
  type Checkpoint,
  describedModel,
  expectFiniteTensor,
  expectTensors,
  type NamedTensor,
  variableSpecs,
} from "../weights/mod.ts";
import { graphToOnnx } from "./graph_to_onnx.ts";

/** How a checkpoint is exported. */
export interface OnnxOptions {
  /** The network. Defaults to what the checkpoint says. */
  readonly model?: SequentialModel;
  /** The images of a batch. Defaults to any number. */
  readonly batch?: number;
  /** Whether batch norm is folded into the convolutions. Defaults to true. */
  readonly fold?: boolean;
  /** The normalisation, which is kept in the file's metadata. Defaults to the checkpoint's. */
  readonly normalisation?: Normalisation;
  /** Whether the file takes pixels from 0 to 1 and normalises them itself. Defaults to false. */
  readonly normalise?: boolean;
}

/** What is exported: weights, and what is known of them. */
export interface OnnxCheckpoint extends Pick<Checkpoint, "info"> {
  /** The weights and running statistics by name. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** The file that they are from, for messages. */
  readonly source?: string;
}

/** No literal where it is imported, so that Deno fetches the package that it needs only then. */
const ENCODER = "./encode.ts";

async function loadEncoder(): Promise<typeof import("./encode.ts")> {
  try {
    return await import(ENCODER) as typeof import("./encode.ts");
  } catch (error) {
    throw new DataError(`No ONNX file can be written: ${whyNotLoaded(error)}`);
  }
}

/**
 * Writes a network with its weights as an ONNX model: input `image` [N, C, H, W], output `logits` [N, classes]. It needs the
 * package `@bufbuild/protobuf`.
 *
 * @param checkpoint The weights, as `readCheckpoint` or `decodeCheckpoint` gives them.
 * @param options The network of bare weights, the batch, how images are normalised.
 * @returns The bytes of the file.
 * @throws {UsageError} If neither says which network it is, or there is no normalisation to build in.
 * @throws {DataError} If the weights are not those of the network, or the package cannot be had.
 * @throws {ResiduaError} If the network has an op that ONNX files cannot hold.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { writeFile } from "@residua/residua/disk";
 * import { exportOnnx } from "@residua/residua/onnx";
 * using backend = await openBackend("cpu");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const { tensors, normalisation } = await fit({ model, backend, set, epochs: 1, batch: 20 });
 * const bytes = await exportOnnx({ tensors }, { model, normalisation, normalise: true });
 * await writeFile("shapes.onnx", bytes);
 * ```
 */
export async function exportOnnx(checkpoint: OnnxCheckpoint, options: OnnxOptions = {}): Promise<Uint8Array> {
  const { tensors, info, source = "the checkpoint" } = checkpoint, { batch, fold = true, normalise = false } = options;
  const model = options.model ?? (info && describedModel(info.model));
  if (model === undefined) {
    throw new UsageError(sentence`${source} does not say which network it is of; give ${argument("model")}`);
  }
  const normalisation = options.normalisation ?? info?.normalisation;
  if (normalise && normalisation === undefined) {
    throw new UsageError(
      sentence`${source} does not say how its images are normalised; give ${argument("normalisation")}`,
    );
  }
  const { encodeOnnx } = await loadEncoder();
  const traced = inferenceGraph(model);
  expectTensors(variableSpecs(traced.graph), tensors, source);
  const written = fold ? foldBatchNorm(traced.graph, tensors, traced.outputs, source) : { ...traced, tensors };
  // Folding divides by what a file says.
  for (const [name, tensor] of written.tensors) expectFiniteTensor(name, tensor, source);
  const metadata: Record<string, string> = { model: model.name };
  if (info !== undefined) metadata.classes = JSON.stringify(info.classes);
  if (normalisation !== undefined) metadata.normalisation = JSON.stringify({ ...normalisation, builtIn: normalise });
  return encodeOnnx({
    ...graphToOnnx(model.name, { ...written, batch, normalisation: normalise ? normalisation : undefined }),
    producer: { name: "Residua", version: VERSION },
    metadata,
  });
}

function inferenceGraph(model: SequentialModel): Pick<Parameters<typeof graphToOnnx>[1], "graph" | "outputs"> {
  const graph = new Graph({ training: false });
  return { graph, outputs: { logits: model.forward(graph, graph.input("image", f32([1, ...model.inputShape]))) } };
}
