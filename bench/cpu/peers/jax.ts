/** jax-js as a peer, on its WebAssembly backend (SIMD, all cores) or on its WebGPU backend, in compiled functions. */

import type { Tensor } from "../tensor_file.ts";
import { asResNet20, type ConvolutionWork, type Work } from "../work.ts";
import type { Jax, JaxArray } from "./_jax.ts";
import { prepareNetwork } from "./_jax_network.ts";
import { queuedJax } from "./_jax_queue.ts";
import { backendName, type Prepared, serve, threads, type Way } from "./_serve.ts";

const VERSION = "0.1.25", PACKAGE = `npm:@jax-js/jax@${VERSION}`;

async function open(): Promise<Jax> {
  // It makes as many workers as there are cores.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: threads, configurable: true });
  const jax: Jax = await import(PACKAGE);
  const devices = await jax.init(backendName);
  if (!devices.includes(backendName)) throw new Error(`its ${backendName} backend does not start`);
  jax.defaultDevice(backendName);
  return jax;
}

/** The work as a function of its tensors, in their order. */
function way(
  jax: Jax,
  name: string,
  tensors: ReadonlyMap<string, Tensor>,
  compute: (inputs: JaxArray[]) => JaxArray,
  arrange: (name: string, input: JaxArray) => JaxArray = (_, input) => input,
): Way {
  return {
    name,
    prepare(): Prepared {
      const inputs = [...tensors].map(([name, { data, shape }]) => arrange(name, jax.numpy.array(data, { shape })));
      const compiled = jax.jit((...args: JaxArray[]) => compute(args));
      let result: JaxArray | undefined;
      const call = () => compiled(...inputs.map((input) => input.ref));
      return {
        async run() {
          result?.dispose();
          result = call();
          await jax.blockUntilReady(result);
        },
        queued: queuedJax(jax, () => {
          const queued = call();
          return { wait: [queued], release: [queued] };
        }),
        output: () => result!.ref.data(),
        release() {
          for (const input of inputs) input.dispose();
          result?.dispose();
          compiled.dispose();
        },
      };
    },
  };
}

function convolutionWay(jax: Jax, work: ConvolutionWork, tensors: ReadonlyMap<string, Tensor>): Way {
  const { pass, batch, inputs, outputs, size, kernel, stride, padding, groups } = work;
  const margins = [padding, padding];
  const convolve = (x: JaxArray, w: JaxArray) =>
    jax.lax.convGeneralDilated(x, w, [stride, stride], [margins, margins], { featureGroupCount: groups });
  const gradient = (f: (x: JaxArray) => JaxArray, shape: readonly number[], dy: JaxArray) => {
    const [y, pullBack] = jax.vjp(f, [jax.numpy.zeros(shape)]), [result] = pullBack(dy);
    y.dispose();
    pullBack.dispose();
    return result;
  };
  if (pass === "forward") return way(jax, "convGeneralDilated", tensors, ([x, w]) => convolve(x, w));
  if (pass === "input-gradient") {
    const shape = [batch, inputs, size, size];
    return way(jax, "vjp", tensors, ([dy, w]) => gradient((x) => convolve(x, w), shape, dy));
  }
  const shape = [outputs, inputs / groups, kernel, kernel];
  return way(jax, "vjp", tensors, ([x, dy]) => gradient((w) => convolve(x, w), shape, dy));
}

function ways(jax: Jax, work: Work, tensors: ReadonlyMap<string, Tensor>): Way[] {
  if (work.kind === "resnet20") return [{ name: "jit", prepare: () => prepareNetwork(jax, work, tensors) }];
  if (work.kind === "inference" || work.kind === "training") return ways(jax, asResNet20(work), tensors);
  if (work.kind === "convolution") return [convolutionWay(jax, work, tensors)];
  const { numpy } = jax, turned = (name: string, x: JaxArray) => name === "b" ? x.transpose([1, 0]).add(0) : x;
  return [
    way(jax, "matmul", tensors, ([a, b]) => numpy.matmul(a, b), turned),
    way(jax, "matmul, transposed", tensors, ([a, b]) => numpy.matmul(a, b.transpose([1, 0]))),
  ];
}

await serve(async () => {
  const jax = await open();
  return {
    description: `jax-js ${VERSION}, ${backendName === "wasm" ? `WebAssembly, ${threads} threads` : "WebGPU"}`,
    ways: (work, tensors) => ways(jax, work, tensors),
  };
});
