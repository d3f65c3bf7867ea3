/** ONNX Runtime as a peer, which infers only: in WebAssembly (onnxruntime-web) or native (onnxruntime-node). */

import type { Tensor } from "../tensor_file.ts";
import type { Work } from "../work.ts";
import { onnxModel } from "./_onnx_model.ts";
import { backendName, type Prepared, serve, threads } from "./_serve.ts";

const VERSION = "1.30.0";

/** A tensor of the runtime. */
interface OrtTensor {
  readonly data: Float32Array;
  dispose(): void;
}

/** A model that is ready to run. */
interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

/** The part of the runtime that is used. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OrtTensor;
}

async function load<T>(specifier: string): Promise<T> {
  const module = await import(specifier);
  return module.default ?? module;
}

async function prepare(
  ort: Ort,
  work: Work,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Prepared> {
  const { bytes, input } = onnxModel(work, tensors);
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [backendName],
    intraOpNumThreads: threads,
    graphOptimizationLevel: "all",
  });
  const { data, shape } = tensors.get(input)!, feeds = { [input]: new ort.Tensor("float32", data, shape) };
  let result: OrtTensor | undefined;
  return {
    async run() {
      result?.dispose();
      result = (await session.run(feeds)).output;
    },
    output: () => result!.data,
    release() {
      result?.dispose();
      session.release();
    },
  };
}

await serve(async () => {
  const web = backendName === "wasm", name = web ? "onnxruntime-web" : "onnxruntime-node";
  const ort = await load<Ort>(`npm:${name}@${VERSION}`);
  if (web) ort.env.wasm.numThreads = threads;
  return {
    description: `${name} ${VERSION}, ${web ? "WebAssembly" : "native"}, ${threads} threads`,
    ways: (work, tensors) => {
      if ("pass" in work && work.pass !== "forward" && work.pass !== "evaluation") {
        throw new Error("inference only: it has no gradients");
      }
      return [{ name: "session", prepare: () => prepare(ort, work, tensors) }];
    },
  };
});
