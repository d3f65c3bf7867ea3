/** `deno task wgsl`: prints the WebGPU kernels of an op, without a device. */

import {
  DEVICE_PROFILES,
  didYouMean,
  KernelPolicy,
  type KernelSequence,
  kernelText,
  type TensorSpec,
  UsageError,
} from "../../core/mod.ts";
import { defineCommand } from "../command.ts";
import { APPLICATION_POSITIONALS, DEVICE_OPTION, formatApplication, parseApplication } from "../tuning/application.ts";
import { formatDevice } from "../tuning/explain.ts";

const OPTIONS = {
  device: { ...DEVICE_OPTION, default: "default" },
  variant: { kind: "text", value: "NAME", about: "another variant than the one that runs, as tune --explain names it" },
} as const;

/** `deno task wgsl`. */
export const wgslCommand = defineCommand({
  name: "wgsl",
  about: "Print the WebGPU kernels of an op: those that would run on a device, or another variant.",
  options: OPTIONS,
  positionals: APPLICATION_POSITIONALS,
  examples: [
    ["relu 128x64", "the kernel of a ReLU"],
    ["conv2d 64x64x56x56,64x64x3x3 padding=1 --device nvidia-hopper", "those of a 3x3 convolution on an H100"],
  ],
}, (values, { positionals }) => {
  const application = parseApplication(positionals), device = DEVICE_PROFILES[values.device];
  const { variants, index } = new KernelPolicy(device).explain(application), names = variants.map(({ name }) => name);
  const wanted = values.variant === undefined ? index : names.indexOf(values.variant);
  if (wanted < 0) {
    throw new UsageError(
      `--variant: expected one of ${names.join("; ")} but "${values.variant}" came${
        didYouMean(values.variant!, names)
      }`,
    );
  }
  const { inputs, outputs } = application, variant = variants[wanted];
  console.log(`// ${formatApplication(application)}\n// ${variant.name}, on ${formatDevice(device)}`);
  console.log(formatSequence(variant, [...inputs, ...outputs]));
  return Promise.resolve();
});

/** The kernels, each with its size and its buffers. */
function formatSequence({ kernels, workspace = [] }: KernelSequence, operands: readonly TensorSpec[]): string {
  const specs = [...operands, ...workspace];
  return kernels.map((kernel, number) => {
    const buffers = kernel.bindings.map(({ name, index }) => `${name}: ${roleOf(index, operands.length, specs)}`);
    return `\n// kernel ${number + 1} of ${kernels.length}: ${kernel.workgroups.join(" x ")} workgroups\n// ${
      buffers.join("; ")
    }\n${kernelText(kernel, specs)}`;
  }).join("\n");
}

function roleOf(index: number, operands: number, specs: readonly TensorSpec[]): string {
  const { dtype, shape } = specs[index];
  return `${index < operands ? "operand" : "scratch"} ${index} ${dtype} [${shape.join(", ")}]`;
}
