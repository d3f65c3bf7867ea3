/**
 * The process that runs networks in ONNX Runtime: a JSON object on standard input with the models and their inputs, the
 * logits of each on standard output. Bytes are base64.
 */

import { Buffer } from "node:buffer";

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

interface Request {
  readonly models: readonly string[];
  readonly inputs: readonly { readonly dims: readonly number[]; readonly images: string }[];
}

const specifier = "npm:onnxruntime-node@1.30.0";
const runtime: Runtime = (await import(specifier)).default;

const { models, inputs }: Request = await new Response(Deno.stdin.readable).json();
const results: string[][] = [];
for (const model of models) {
  const session = await runtime.InferenceSession.create(bytesOf(model), { intraOpNumThreads: 2 });
  const logitsOfModel: string[] = [];
  for (const { dims, images } of inputs) {
    const image = new runtime.Tensor("float32", new Float32Array(bytesOf(images).buffer), dims);
    const { logits: { data, dims: [count] } } = await session.run({ image });
    if (count !== dims[0]) throw new Error(`expected ${dims[0]} rows of logits but ${count} came`);
    logitsOfModel.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"));
  }
  await session.release();
  results.push(logitsOfModel);
}
console.log(JSON.stringify(results));

/** The bytes in a buffer of their own, since floats must lie at a multiple of four. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}
