/** Whether kernels may use a device's subgroups and their matrices: only what the device has and gets right. */

import type { WebGpuBackend } from "./backend.ts";
import { findSubgroupProblem } from "./subgroup_check.ts";
import { findSubgroupMatrixProblem, usableMatrix } from "./subgroup_matrix.ts";
import type { SubgroupMatrix } from "./tuning/device_profile.ts";

/** What kernels may use, and why not. */
export interface SubgroupSupport {
  /** Why no kernel uses subgroups; nothing where they may. */
  readonly whyNoSubgroups?: string;
  /** Why no kernel uses subgroup matrices; nothing where they may. */
  readonly whyNoMatrix?: string;
  /** The matrices that they may use. */
  readonly matrix?: SubgroupMatrix;
}

/** Checks by known answers what a device offers. */
export async function checkSubgroups(backend: WebGpuBackend, adapter: GPUAdapter): Promise<SubgroupSupport> {
  const say = (problem: string | undefined) => problem && `the adapter ${backend.adapter.name} ${problem}`;
  const offered = backend.device.features.has("subgroups" as GPUFeatureName);
  const whyNoSubgroups = say(offered ? await findSubgroupProblem(backend) : "has no subgroups");
  if (whyNoSubgroups !== undefined) return { whyNoSubgroups, whyNoMatrix: whyNoSubgroups };
  const matrix = usableMatrix(adapter);
  if (matrix === undefined) return { whyNoMatrix: say("has no subgroup matrices of float16 with sums in float32") };
  const whyNoMatrix = await backend.whyNoFloat16() ?? say(await findSubgroupMatrixProblem(backend, matrix));
  return whyNoMatrix === undefined ? { matrix } : { whyNoMatrix };
}
