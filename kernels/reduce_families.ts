/** Families of kernels whose workgroups join values: one for each way in which they can be joined. */

import {
  type DeviceAbilities,
  implement,
  type Implementation,
  type KernelFamily,
  type KernelSequence,
  type Rule,
} from "../core/mod.ts";
import { type ReduceBy, waysToReduce } from "./reduce.ts";

/** Kernels whose workgroups join values. */
export interface ReducingKernels<P> {
  /** The name of the family that joins in workgroup memory; that of the other says so. */
  readonly name: string;
  /** The version of both. */
  readonly version: number;
  /** The kernels that join values in a way. */
  emit(problem: P, by: ReduceBy, device: DeviceAbilities): KernelSequence;
}

/** The name of the family that joins by subgroups. */
function nameBySubgroups(name: string): string {
  return `${name}, by subgroups`;
}

/** Both families, the plainer first. */
export function reducingFamilies<P>({ name, version, emit }: ReducingKernels<P>): KernelFamily<P>[] {
  return (["workgroups", "subgroups"] as const).map((by) => ({
    name: by === "subgroups" ? nameBySubgroups(name) : name,
    version,
    supports: (_problem, device) => waysToReduce(device).includes(by),
    configurations: () => [{}],
    emit: (problem, _configuration, device) => emit(problem, by, device),
  }));
}

/** Why subgroups are preferred on hardware that has them. */
export const WHY_SUBGROUPS = "subgroups join values with one barrier instead of seven or more; not measured";

/** The rule that prefers subgroups on hardware that has them. */
export function preferSubgroups(name: string): Rule<unknown> {
  return {
    on: "hardware",
    because: WHY_SUBGROUPS,
    when: (_problem, { subgroups }) => subgroups,
    family: nameBySubgroups(name),
  };
}

/** An op that has one way to run but for how its workgroups join values. */
export function reducingWays(
  name: string,
  emit: (by: ReduceBy, device: DeviceAbilities) => KernelSequence,
): Implementation {
  const families = reducingFamilies<undefined>({ name, version: 1, emit: (_problem, by, device) => emit(by, device) });
  return implement(undefined, families, [preferSubgroups(name)]);
}
