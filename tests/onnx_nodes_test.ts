/** ONNX's test vectors of its operators on the CPU. */

import { CpuBackend } from "../core/mod.ts";
import { checkOnnxNode, ONNX_NODES } from "./_onnx_nodes.ts";

for (const node of ONNX_NODES) {
  Deno.test(`${node.name} of ONNX's test vectors is met on the CPU`, () => checkOnnxNode(new CpuBackend(), node));
}
