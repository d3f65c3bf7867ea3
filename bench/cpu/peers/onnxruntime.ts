/** ONNX Runtime as a peer, which infers only: in WebAssembly or on WebGPU (onnxruntime-web), or native (onnxruntime-node). */

import type { Tensor } from "../tensor_file.ts";
import { isMixed, isTraining, type Work } from "../work.ts";
import { onnxModel } from "./_onnx_model.ts";
import { backendName, type Prepared, serve, threads } from "./_serve.ts";

const VERSION = "1.30.0";

/** A tensor of the runtime. */
interface OrtTensor {
  getData(): Promise<Float32Array>;
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
  const gpu = backendName === "webgpu";
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [backendName],
    intraOpNumThreads: threads,
    graphOptimizationLevel: "all",
    // The result stays on the device, so that runs can be queued.
    ...(gpu ? { preferredOutputLocation: "gpu-buffer" } : {}),
  });
  const { data, shape } = tensors.get(input)!, feeds = { [input]: new ort.Tensor("float32", data, shape) };
  let result: OrtTensor | undefined;
  const queue = async () => {
    result?.dispose();
    result = (await session.run(feeds)).output;
  };
  // It waits for the device to give the result away; the copy stays with the tensor that is read.
  const finish = async () => {
    await result!.getData();
  };
  return {
    async run() {
      await queue();
      if (gpu) await finish();
    },
    ...(gpu ? { queued: { queue, finish } } : {}),
    output: () => result!.getData(),
    release() {
      result?.dispose();
      session.release();
    },
  };
}

await serve(async () => {
  const gpu = backendName === "webgpu", web = backendName === "wasm" || gpu;
  const name = web ? "onnxruntime-web" : "onnxruntime-node";
  const ort = await load<Ort>(`npm:${name}@${VERSION}${gpu ? "/webgpu" : ""}`);
  if (web) ort.env.wasm.numThreads = gpu ? 1 : threads;
  return {
    description: `${name} ${VERSION}, ${gpu ? "WebGPU" : `${web ? "WebAssembly" : "native"}, ${threads} threads`}`,
    ways: (work, tensors) => {
      if (isTraining(work) || (work.kind === "convolution" && work.pass !== "forward")) {
        throw new Error("inference only: it has no gradients");
      }
      if (isMixed(work)) throw new Error("float32 only");
      return [{ name: "session", prepare: () => prepare(ort, work, tensors) }];
    },
  };
});
