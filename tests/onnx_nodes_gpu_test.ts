/** ONNX's test vectors of its operators on WebGPU. */

import { gpuTest } from "./_gpu.ts";
import { checkOnnxNode, ONNX_NODES } from "./_onnx_nodes.ts";

for (const node of ONNX_NODES) {
  gpuTest(`${node.name} of ONNX's test vectors is met on WebGPU`, (backend) => checkOnnxNode(backend, node));
}
