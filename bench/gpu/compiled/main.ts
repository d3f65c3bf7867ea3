/** What a GPU's compiler makes of the kernels of the networks, without the GPU: `deno task bench:compiled`. See bench/README.md. */

import { fileURLToPath } from "node:url";
import { defineCommand, exitCodeOf } from "../../../cli/command.ts";
import { formatApplication } from "../../../cli/tuning/application.ts";
import { programOf } from "../../../cli/tuning/explain.ts";
import { formatTable } from "../../../cli/reports/table.ts";
import {
  type Application,
  describeNode,
  DEVICE_PROFILES,
  DeviceError,
  KernelPolicy,
  kernelText,
  type TensorSpec,
  UsageError,
  type WebGpuKernel,
} from "../../../core/mod.ts";
import { withUniformSizes } from "../../../core/webgpu/text/sizes.ts";
import { modelByName } from "../../../models/mod.ts";
import { type CompiledKernel, parseListing } from "./listing.ts";
import { INTEL_FAMILIES, nullDevice, profileOf } from "./null_device.ts";

/** Each network with the batches of its training and of its inference. */
const NETWORKS = [["resnet20", 128, 128], ["resnet18", 64, 1], ["resnet50", 64, 1], ["mobilenet_v2", 64, 1]] as const;
const CHILD = fileURLToPath(new URL("compile.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.offline.json", import.meta.url));

/** A kernel that runs by default. */
interface ChosenKernel {
  readonly op: string;
  readonly variant: string;
  readonly text: string;
  /** Registers of a thread as rules estimate them, of the kernel that does the work. */
  readonly estimated: number | undefined;
}

const command = defineCommand({
  name: "bench:compiled",
  about:
    "Registers and instructions that Mesa's compilers for AMD and Intel make of the networks' kernels, without a GPU.",
  options: {
    family: {
      kind: "text",
      value: "NAME",
      about: `the GPU to compile for: ${INTEL_FAMILIES.join(", ")}, or one of AMD's, as Mesa names it`,
      default: "navi21",
    },
    device: {
      kind: "text",
      value: "NAME",
      about: `the kernels of ${Object.keys(DEVICE_PROFILES).join(", ")}; defaults to those of the GPU's vendor`,
    },
    model: { kind: "text", value: "NAME", about: "only this network; defaults to all four" },
    all: { kind: "flag", about: "also the kernels of few products", default: false },
  },
  examples: [["", "AMD's RDNA 2"], ["--family tgl --model resnet20", "Intel's Xe, one network"]],
}, async ({ family, device = profileOf(family), model, all }) => {
  const profile = DEVICE_PROFILES[device];
  if (profile === undefined) {
    throw new UsageError(`--device: expected one of ${Object.keys(DEVICE_PROFILES).join(", ")} but "${device}" came`);
  }
  const networks = NETWORKS.filter(([name]) => model === undefined || name === model);
  if (networks.length === 0) {
    throw new UsageError(`--model: expected one of ${NETWORKS.map(([name]) => name).join(", ")} but "${model}" came`);
  }
  const chosen = chosenKernels(new KernelPolicy(profile), networks);
  if (Deno.stderr.isTerminal()) console.error(`${chosen.length} kernels are compiled, which takes some seconds`);
  const { description, kernels } = await compile(chosen.map(({ text }) => text), family);
  const rows = chosen.flatMap((each, number) => {
    const compiled = kernels.get(number)!;
    return all || compiled.multiplyAdds >= LEAST_PRODUCTS || compiled.spilled > 0 ? [rowOf(each, compiled)] : [];
  });
  const spilled = [...kernels.values()].filter(({ spilled }) => spilled > 0).length;
  console.log(`${description}, ${kernels.size} kernels, ${spilled} of which spill registers\n`);
  console.log(formatTable([HEAD, ...rows], 2));
});

/** Multiply-adds in the text of a kernel from which on they are its work. */
const LEAST_PRODUCTS = 64;

const HEAD = [
  "op",
  "kernel",
  "registers",
  "estimated",
  "spilled",
  "lanes",
  "groups a unit",
  "instructions",
  "multiply-adds",
  "memory accesses",
];

function rowOf({ op, variant, estimated }: ChosenKernel, compiled: CompiledKernel): (string | number)[] {
  const { registers = "", spilled, lanes = "", groups = "", instructions, multiplyAdds, accesses } = compiled;
  return [op, variant, registers, estimated ?? "", spilled, lanes, groups, instructions, multiplyAdds, accesses];
}

/** The kernels of all programs, each text once. */
function chosenKernels(policy: KernelPolicy, networks: readonly (typeof NETWORKS)[number][]): ChosenKernel[] {
  const seen = new Set<string>(), kernels: ChosenKernel[] = [];
  for (const [name, training, inference] of networks) {
    const model = modelByName(name);
    const programs = [programOf(model, training, false), programOf(model, inference, true)];
    for (const node of programs.flatMap(({ nodes }) => nodes)) {
      if (seen.has(describeNode(node))) continue;
      seen.add(describeNode(node));
      const { variants, index } = policy.explain(node), variant = variants[index];
      for (const kernel of variant.kernels) {
        const text = textOf(node, kernel, variant.workspace ?? []);
        if (seen.has(text)) continue;
        seen.add(text);
        kernels.push({
          op: formatApplication(node),
          variant: variant.name,
          text,
          estimated: variant.launch?.registers,
        });
      }
    }
  }
  return kernels;
}

/** The text as hardware gets it, sizes in a uniform. */
function textOf({ inputs, outputs }: Application, kernel: WebGpuKernel, workspace: readonly TensorSpec[]): string {
  const wgsl = withUniformSizes(kernel.wgsl, kernel.bindings.length)?.wgsl ?? kernel.wgsl;
  return kernelText({ ...kernel, wgsl }, [...inputs, ...outputs, ...workspace]);
}

async function compile(
  texts: readonly string[],
  family: string,
): Promise<{ readonly description: string; readonly kernels: ReadonlyMap<number, CompiledKernel> }> {
  const folder = await Deno.makeTempDir({ prefix: "residua-compiled-" });
  try {
    const env = await nullDevice(folder, family), file = `${folder}/texts.json`;
    await Deno.writeTextFile(file, JSON.stringify(texts));
    const args = ["run", "-A", "--no-check", "--config", CONFIG, CHILD, file];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
    const listing = new TextDecoder().decode(stderr), kernels = parseListing(listing);
    if (!success || kernels.size < texts.length) {
      const told = /^.*(error|Error|radv:).*$/m.exec(listing)?.[0] ?? "no reason was given";
      throw new DeviceError(`Mesa compiled ${kernels.size} of ${texts.length} kernels for ${family}: ${told.trim()}`);
    }
    return { description: new TextDecoder().decode(stdout).trim(), kernels };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
