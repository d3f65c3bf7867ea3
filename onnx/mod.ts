/**
 * ONNX: networks with their weights as files that ONNX Runtime and other programs run. The package that encodes them is
 * loaded with the first.
 *
 * @example The best checkpoint of a run, for single images of pixels from 0 to 1
 * ```ts
 * import { readCheckpoint, writeFile } from "@residua/residua/disk";
 * import { exportOnnx } from "@residua/residua/onnx";
 * await writeFile("first.onnx", await exportOnnx(await readCheckpoint("runs/first"), { batch: 1, normalise: true }));
 * ```
 *
 * @module
 */

export { exportOnnx, type OnnxCheckpoint, type OnnxOptions } from "./export_onnx.ts";
export { OPSET } from "./graph_to_onnx.ts";
