/**
 * The peer: ONNX Runtime behind a plain server, as its guides have it. Each request is decoded, resized and computed for itself.
 * Arguments: the model, the size to resize to and the size to crop.
 */

import sharp from "../../images/sharp.ts";

/** The part of onnxruntime-node that is used; its types would have to be downloaded to check the sources. */
interface Runtime {
  readonly InferenceSession: {
    create(model: string, options: { intraOpNumThreads: number }): Promise<{
      run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: Float32Array }>>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => unknown;
}

const specifier = "npm:onnxruntime-node@1.30.0", runtime: Runtime = (await import(specifier)).default;
const [model, resize, crop] = [Deno.args[0], ...Deno.args.slice(1).map(Number)];
const session = await runtime.InferenceSession.create(model, { intraOpNumThreads: navigator.hardwareConcurrency });

/** The pixels from 0 to 1 [3, crop, crop]; the network normalises them. */
async function prepare(bytes: ArrayBuffer): Promise<Float32Array> {
  const image = sharp(bytes).toColourspace("srgb").removeAlpha(), edge = Math.floor((resize - crop) / 2);
  const { data } = await image.resize(resize, resize, { kernel: "linear", fit: "cover" })
    .extract({ left: edge, top: edge, width: crop, height: crop }).raw().toBuffer({ resolveWithObject: true });
  const planes = new Float32Array(3 * crop * crop), size = crop * crop;
  for (let k = 0; k < size; k++) for (let c = 0; c < 3; c++) planes[c * size + k] = data[3 * k + c] / 255;
  return planes;
}

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`Listening at http://127.0.0.1:${port}`),
}, async (request) => {
  const image = new runtime.Tensor("float32", await prepare(await request.arrayBuffer()), [1, 3, crop, crop]);
  const { logits: { data } } = await session.run({ image });
  const most = data.reduce((a, b) => Math.max(a, b)), shares = Array.from(data, (logit) => Math.exp(logit - most));
  const sum = shares.reduce((a, b) => a + b);
  const ranked = shares.map((share, index) => ({ index, probability: share / sum }))
    .sort((a, b) => b.probability - a.probability);
  return Response.json({ predictions: ranked.slice(0, 5) });
});
