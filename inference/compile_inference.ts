/** The programs that compute logits: over a model's variables, or over weights with batch norm folded into them. */

import {
  type Backend,
  compile,
  expectPrecision,
  f32,
  Graph,
  type Precision,
  type Program,
  type TuneOptions,
} from "../core/mod.ts";
import type { Model } from "../models/mod.ts";
import { foldBatchNorm } from "./fold_batch_norm.ts";
import type { NamedTensor, Variables } from "../weights/mod.ts";

/**
 * Compiles the program that computes a batch's logits with running statistics, and with averaged weights where the variables
 * have any. Its input is `image`, its output `logits`.
 *
 * @param options `precision`: how it computes, which defaults to float32; `tune`: has kernels chosen by timing them, on WebGPU;
 * `lean`: whether memory goes before time, which defaults to false.
 * @throws {UsageError} If the backend does not compute in the precision.
 */
export async function compileInference(
  model: Model,
  backend: Backend,
  batch: number,
  variables: Variables,
  { precision = "float32", tune, lean }: {
    readonly precision?: Precision;
    readonly tune?: TuneOptions;
    readonly lean?: boolean;
  } = {},
): Promise<Program> {
  await expectPrecision(backend, precision);
  const graph = new Graph({ training: false, precision });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  variables.add(graph, backend, 0);
  return await compile(graph, backend, { outputs: { logits }, variables: variables.evaluated, tune, lean });
}

/**
 * Compiles the program of {@link compileInference} with batch norm folded into the convolutions: the same logits up to
 * rounding, faster. Its variables are not those of the model, so they cannot be trained further.
 *
 * @param variables A set of its own; it is given the folded tensors.
 * @param tensors The model's tensors, as a checkpoint holds them.
 * @param source The file that they come from, for messages.
 * @param options `precision`: how it computes, which defaults to float32; `tune`: has kernels chosen by timing them, on WebGPU.
 * @throws {DataError} If a tensor is missing, is of another shape, or belongs to nothing.
 * @throws {UsageError} If the backend does not compute in the precision.
 *
 * @example
 * ```ts
 * import { CpuBackend } from "@residua/residua/core";
 * import { cifarResNet } from "@residua/residua/models";
 * import { compileFoldedInference } from "@residua/residua/inference";
 * import { Trainer } from "@residua/residua/train";
 * import { Variables } from "@residua/residua/weights";
 * const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), backend = new CpuBackend();
 * const trainer = await Trainer.create({ model, backend, batch: 2 });
 * const tensors = await trainer.variables.read(false);
 * const program = await compileFoldedInference(model, backend, 1, new Variables(), tensors, "the trainer");
 * program.write("image", new Float32Array(3 * 8 * 8).fill(1));
 * program.run();
 * console.log((await program.read("logits")).length); // 10
 * ```
 */
export async function compileFoldedInference(
  model: Model,
  backend: Backend,
  batch: number,
  variables: Variables,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
  { precision = "float32", tune }: { readonly precision?: Precision; readonly tune?: TuneOptions } = {},
): Promise<Program> {
  await expectPrecision(backend, precision);
  const graph = new Graph({ training: false });
  const logits = model.forward(graph, graph.input("image", f32([batch, ...model.inputShape])));
  const folded = foldBatchNorm(graph, tensors, { logits }, source, precision);
  variables.add(folded.graph, backend, 0);
  variables.write(folded.tensors, source);
  return await compile(folded.graph, backend, {
    outputs: folded.outputs,
    variables: variables.storages,
    tune,
  });
}
