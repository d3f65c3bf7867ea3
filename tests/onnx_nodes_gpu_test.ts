/** ONNX's test vectors of its operators on WebGPU: one of each form of attributes, or with RESIDUA_TEST=all every one. */

import { ALL } from "./_all.ts";
import { gpuTest } from "./_gpu.ts";
import { checkOnnxNode, oneOfEachForm, ONNX_NODES } from "./_onnx_nodes.ts";

for (const node of ALL ? ONNX_NODES : oneOfEachForm(ONNX_NODES)) {
  gpuTest(`${node.name} of ONNX's test vectors is met on WebGPU`, (backend) => checkOnnxNode(backend, node));
}
