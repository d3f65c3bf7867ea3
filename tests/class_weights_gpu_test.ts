import { checkClassWeights } from "./_class_weights.ts";
import { gpuTest } from "./_gpu.ts";

gpuTest("the loss with weights of classes and its gradient are PyTorch's on WebGPU", checkClassWeights);
