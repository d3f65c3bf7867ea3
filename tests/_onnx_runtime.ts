/** Runs exported networks in ONNX Runtime, in a process of its own, since the package has a lock of its own. */

import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("_onnx_runtime_process.ts", import.meta.url));
const lock = fileURLToPath(new URL("onnxruntime.lock", import.meta.url));

/** Images of a batch. */
interface Batch {
  readonly size: number;
  readonly images: Float32Array;
}

/** The logits of images in batches of each size. */
export async function logitsInRuntime(
  bytes: Uint8Array,
  shape: readonly number[],
  batches: readonly Batch[],
): Promise<Float32Array[]> {
  return (await logitsOfAll([bytes], shape, batches))[0];
}

/** The same of several networks, in one process. */
export async function logitsOfAll(
  models: readonly Uint8Array[],
  shape: readonly number[],
  batches: readonly Batch[],
): Promise<Float32Array[][]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-config", "--lock", lock, "--frozen", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const encodeBase64 = ({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array) =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("base64");
  const inputs = batches.map(({ size, images }) => ({ dims: [size, ...shape], images: encodeBase64(images) }));
  const request = JSON.stringify({ models: models.map(encodeBase64), inputs });
  const answer = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(request));
  await writer.close();
  const { code, stdout, stderr } = await answer;
  if (code !== 0) throw new Error(`ONNX Runtime: ${new TextDecoder().decode(stderr)}`);
  const logits: string[][] = JSON.parse(new TextDecoder().decode(stdout));
  return logits.map((texts) =>
    texts.map((text) => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer))
  );
}
