/**
 * Kernel families: the ways in which a problem can be computed. A family says what it can do and which configurations it
 * has, and emits the kernels of one. It knows correctness and limits; which family runs is the policy's to say.
 */

import type { KernelSequence, WebGpuKernel } from "../kernel.ts";
import type { DeviceAbilities } from "./device_profile.ts";
import type { Launch, OccupancyModel } from "./occupancy.ts";

/** How a family is set: plain JSON, so that it can be kept in a table. */
export type Configuration = Readonly<Record<string, number | string | boolean>>;

/**
 * One way to compute a problem.
 *
 * @typeParam P What is computed: shapes, strides, what follows.
 * @typeParam C How the family is set.
 */
export interface KernelFamily<P, C extends Configuration = Configuration> {
  /** The family's name, unique among those of an op; that of its file, in words. */
  readonly name: string;
  /** Is raised when the family's kernels change, so that what was measured of the old ones is void. */
  readonly version: number;
  /** Whether the family computes this problem correctly within a device's limits. */
  supports(problem: P, device: DeviceAbilities): boolean;
  /** The configurations that a device can run, the plainest first; none where `supports` is false. */
  configurations(problem: P, device: DeviceAbilities): readonly C[];
  /** A variant's name for people. Defaults to the family's. */
  nameOf?(configuration: C, problem: P): string;
  /** What stands for a configuration where each kind is tested once. Defaults to all of the configuration. */
  coverageOf?(configuration: C): string;
  /** What a configuration launches, as far as that is estimated. Defaults to nothing. */
  launchOf?(problem: P, configuration: C): Launch;
  /** The kernels of a configuration. It throws nothing: what a family cannot do is found by `supports`. */
  emit(problem: P, configuration: C, device: DeviceAbilities): KernelSequence;
}

/**
 * A threshold as data: what runs on some devices, for some problems. Rules are ordered: the first that applies, and whose
 * family has such a configuration, wins.
 */
export interface Rule<P> {
  /** Which devices: `any`, a kind, a vendor or an architecture. */
  readonly on: string;
  /** Why, in a few words. */
  readonly because: string;
  /** For which problems. Defaults to all. */
  readonly when?: (problem: P, device: DeviceAbilities) => boolean;
  /** The family that runs. */
  readonly family: string;
  /** A part of its configuration, maybe by how the device would run it. Defaults to its first. */
  readonly configuration?: Configuration | ((problem: P, occupancy: OccupancyModel) => Configuration);
}

/** A family in one configuration, for one problem on one device: one way to run an application of an op. */
export interface WebGpuVariant extends KernelSequence {
  /** The variant's name, unique among the op's for this problem. */
  readonly name: string;
  /** The family. */
  readonly family: string;
  /** The family's version. */
  readonly version: number;
  /** The family's configuration. */
  readonly configuration: Configuration;
  /** As {@link KernelFamily.coverageOf}. */
  readonly coverage?: string;
  /** As {@link KernelFamily.launchOf}. */
  readonly launch?: Launch;
}

/** A rule of {@link Implementation}, bound to its problem. */
export interface BoundRule extends Pick<Rule<unknown>, "on" | "because" | "family"> {
  /** Whether the rule is for the problem on such a device. */
  applies(device: DeviceAbilities): boolean;
  /** The part of the configuration that is wanted. */
  configuration(occupancy: OccupancyModel): Configuration;
}

/** How an application of an op can run on WebGPU: what `webgpu` of an op gives. {@link implement} makes it. */
export interface Implementation {
  /** All variants that a device can run. The first is the plainest. Kernels are written when they are first read. */
  variants(device: DeviceAbilities): WebGpuVariant[];
  /** Which of them is expected to be the fastest. */
  readonly rules: readonly BoundRule[];
}

/**
 * Binds families and rules to a problem.
 *
 * @param families The families. The first must support every problem that the op takes.
 * @param rules The rules, in the order in which they are asked.
 */
export function implement<P>(
  problem: P,
  families: readonly KernelFamily<P>[],
  rules: readonly Rule<P>[] = [],
): Implementation {
  return {
    variants: (device) => families.flatMap((family) => variantsOf(family, problem, device)),
    rules: rules.map(({ on, because, when, family, configuration = {} }) => ({
      on,
      because,
      family,
      applies: (device) => when?.(problem, device) ?? true,
      configuration: (occupancy) =>
        typeof configuration === "function" ? configuration(problem, occupancy) : configuration,
    })),
  };
}

/** An op that has one way to run: some kernels, or these with their scratch memory. */
export function oneWay(
  name: string,
  emit: (device: DeviceAbilities) => KernelSequence | readonly WebGpuKernel[],
): Implementation {
  const family: KernelFamily<undefined> = {
    name,
    version: 1,
    supports: () => true,
    configurations: () => [{}],
    emit(_problem, _configuration, device) {
      const emitted = emit(device);
      return "kernels" in emitted ? emitted : { kernels: emitted };
    },
  };
  return implement(undefined, [family]);
}

function variantsOf<P>(family: KernelFamily<P>, problem: P, device: DeviceAbilities): WebGpuVariant[] {
  if (!family.supports(problem, device)) return [];
  return family.configurations(problem, device).map((configuration) => {
    let emitted: KernelSequence | undefined;
    const sequence = () => emitted ??= family.emit(problem, configuration, device);
    return {
      name: family.nameOf?.(configuration, problem) ?? family.name,
      family: family.name,
      version: family.version,
      configuration,
      coverage: family.coverageOf?.(configuration),
      get launch() {
        return family.launchOf?.(problem, configuration);
      },
      get kernels() {
        return sequence().kernels;
      },
      get workspace() {
        return sequence().workspace;
      },
      get transient() {
        return sequence().transient;
      },
    };
  });
}
