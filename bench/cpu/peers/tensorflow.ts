/** TensorFlow.js as a peer, on its WebAssembly backend with SIMD and threads, or on its WebGPU backend. */

import type { Tensor } from "../tensor_file.ts";
import { asResNet20, type ConvolutionWork, type Work } from "../work.ts";
import type { QueuedWork } from "../../gpu/burst.ts";
import { backendName, type Prepared, serve, threads, type Way } from "./_serve.ts";
import type { Tf, TfTensor } from "./_tensorflow.ts";
import {
  depthwiseInputGradient,
  depthwiseWeightGradient,
  inputGradient,
  weightGradient,
  weightGradientByProducts,
} from "./_tensorflow_gradients.ts";
import { prepareNetwork, type WeightGradients } from "./_tensorflow_network.ts";
import { provideThreads, wasmFolder } from "./_tensorflow_threads.ts";

const VERSION = "4.22.0";
/** Milliseconds after which the WebAssembly backend is taken not to start. */
const START_LIMIT_MS = 20_000;

/** The part of the WebAssembly backend's package that is used. */
interface TfWasm {
  setWasmPaths(folder: string): void;
  setThreadsCount(threads: number): void;
  getThreadsCount(): number;
}

async function load<T>(name: string): Promise<T> {
  return await import(`npm:${name}@${VERSION}`);
}

async function open(): Promise<{ tf: Tf; description: string }> {
  const tf = await load<Tf>("@tensorflow/tfjs");
  if (backendName === "webgpu") {
    await load("@tensorflow/tfjs-backend-webgpu");
    if (!await tf.setBackend("webgpu")) throw new Error("its WebGPU backend does not start");
    return { tf, description: `TensorFlow.js ${VERSION}, WebGPU` };
  }
  const wasm = await load<TfWasm>("@tensorflow/tfjs-backend-wasm"), folder = wasmFolder();
  wasm.setWasmPaths(folder);
  let started = () => {};
  if (threads > 1) {
    started = provideThreads(folder, threads);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", true);
    wasm.setThreadsCount(threads);
  }
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), START_LIMIT_MS));
  if (!await Promise.race([tf.setBackend("wasm"), late])) throw new Error("its WebAssembly backend does not start");
  started();
  const count = threads > 1 ? wasm.getThreadsCount() : 1;
  return { tf, description: `TensorFlow.js ${VERSION}, WebAssembly SIMD, ${count} thread${count === 1 ? "" : "s"}` };
}

const { tf, description } = await open().catch((error) => serve(() => Promise.reject(error)));

/** Waits for the device; the results of WebAssembly are there at once. */
async function finish(result: TfTensor): Promise<void> {
  if (backendName !== "webgpu") return;
  const first = tf.tidy(() => tf.slice(tf.reshape(result, [-1]), [0], [1]));
  await first.data();
  first.dispose();
}

/** Runs that are queued, where the backend is a device's. */
function queued(queue: () => void, result: () => TfTensor): QueuedWork | undefined {
  return backendName === "webgpu" ? { queue, finish: () => finish(result()) } : undefined;
}

/** The work as a function of tensors in TensorFlow's order, with the permutations of the tensors and of the result. */
function way(
  name: string,
  tensors: readonly (readonly [Tensor, readonly number[]])[],
  compute: (tensors: TfTensor[]) => TfTensor,
  undo?: readonly number[],
): Way {
  return {
    name,
    prepare(): Prepared {
      const inputs = tensors.map(([{ data, shape }, permutation]) =>
        tf.tidy(() => tf.transpose(tf.tensor(data, shape), permutation))
      );
      let result: TfTensor | undefined;
      const queue = () => {
        result?.dispose();
        result = tf.tidy(() => compute(inputs));
      };
      return {
        async run() {
          queue();
          await finish(result!);
        },
        queued: queued(queue, () => result!),
        output: () => tf.tidy(() => undo === undefined ? result! : tf.transpose(result!, undo)).data(),
        release() {
          for (const input of inputs) input.dispose();
          result?.dispose();
        },
      };
    },
  };
}

const TO_NHWC = [0, 2, 3, 1], TO_NCHW = [0, 3, 1, 2], TO_HWIO = [2, 3, 1, 0], TO_OIHW = [3, 2, 0, 1];
/** [C, 1, K, K] to [K, K, C, 1] and back. */
const TO_DEPTHWISE = [2, 3, 0, 1], FROM_DEPTHWISE = [2, 3, 0, 1];

function convolutionWays(work: ConvolutionWork, tensors: ReadonlyMap<string, Tensor>): Way[] {
  const { pass, batch, inputs, size, stride, padding, groups } = work, depthwise = groups > 1;
  const x = () => [tensors.get("x")!, TO_NHWC] as const, dy = () => [tensors.get("dy")!, TO_NHWC] as const;
  const w = () => [tensors.get("w")!, depthwise ? TO_DEPTHWISE : TO_HWIO] as const;
  if (pass === "forward") {
    const convolve = depthwise ? tf.depthwiseConv2d : tf.conv2d;
    return [way(
      depthwise ? "depthwiseConv2d" : "conv2d",
      [x(), w()],
      ([x, w]) => convolve(x, w, stride, padding, "NHWC", 1, "floor"),
      TO_NCHW,
    )];
  }
  if (pass === "input-gradient") {
    if (depthwise) {
      return [
        way("as depthwise convolution", [dy(), w()], ([dy, w]) => depthwiseInputGradient(tf, dy, w, work), TO_NCHW),
      ];
    }
    return [
      way("as convolution", [dy(), w()], ([dy, w]) => inputGradient(tf, dy, w, work), TO_NCHW),
      way(
        "conv2dTranspose",
        [dy(), w()],
        ([dy, w]) => tf.conv2dTranspose(dy, w, [batch, size, size, inputs], stride, padding, "floor"),
        TO_NCHW,
      ),
    ];
  }
  if (depthwise) {
    const compute = ([x, dy]: TfTensor[]) => depthwiseWeightGradient(tf, x, dy, work);
    return [way("as sums of products", [x(), dy()], compute, FROM_DEPTHWISE)];
  }
  return [
    way("as convolution", [x(), dy()], ([x, dy]) => weightGradient(tf, x, dy, work), TO_OIHW),
    way("as matrix products", [x(), dy()], ([x, dy]) => weightGradientByProducts(tf, x, dy, work), TO_OIHW),
  ];
}

function ways(work: Work, tensors: ReadonlyMap<string, Tensor>): Way[] {
  if (work.kind === "matmul") {
    const a = [tensors.get("a")!, [0, 1]] as const, b = tensors.get("b")!;
    return [
      way("matMul", [a, [b, [1, 0]]], ([a, b]) => tf.matMul(a, b)),
      way("matMul, transposed", [a, [b, [0, 1]]], ([a, b]) => tf.matMul(a, b, false, true)),
    ];
  }
  if (work.kind === "convolution") return convolutionWays(work, tensors);
  const network = work.kind === "resnet20" ? work : asResNet20(work), training = network.pass === "training";
  const kinds: WeightGradients[] = training ? ["convolutions", "matrix products"] : ["convolutions"];
  return kinds.map((kind) => ({
    name: training ? `weight gradients as ${kind}` : "forward",
    prepare: () => prepareNetwork(tf, network, tensors, kind, finish, queued),
  }));
}

await serve(() => Promise.resolve({ description, ways }));
