/** Runs exported networks in ONNX Runtime. */

import { assertEquals } from "@std/assert";

/** The part of onnxruntime-node that is used; its types would have to be downloaded to check the sources. */
interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: { intraOpNumThreads: number }): Promise<{
      run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: Float32Array; dims: number[] }>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => unknown;
}

const specifier = "npm:onnxruntime-node@1.30.0";
const runtime: Runtime = (await import(specifier)).default;

/** The logits of images in batches of each size. */
export async function logitsInRuntime(
  bytes: Uint8Array,
  shape: readonly number[],
  batches: readonly { readonly size: number; readonly images: Float32Array }[],
): Promise<Float32Array[]> {
  const session = await runtime.InferenceSession.create(bytes, { intraOpNumThreads: 2 });
  const results: Float32Array[] = [];
  for (const { size, images } of batches) {
    const { logits } = await session.run({ image: new runtime.Tensor("float32", images, [size, ...shape]) });
    assertEquals(logits.dims[0], size);
    results.push(logits.data.slice());
  }
  await session.release();
  return results;
}
