/** Which kernels of batch norm run where nothing was measured. */

import type { DeviceAbilities, Rule } from "../../core/mod.ts";
import { WHY_SUBGROUPS } from "../../kernels/mod.ts";
import type { ChannelProblem } from "./families.ts";
import type { Extents } from "./norm_shape.ts";
import { largestDivisor, unitSize, type UnitWork } from "./units.ts";

/** The fewest channels that keep a device busy with a thread or a workgroup each. */
const LEAST_CHANNELS = 32;
/** The most floats that one of them reads. */
const MOST_READ = 65_536;

/** Whether there are enough channels, and little to read of each. */
function suitsOneKernel({ extents, work }: ChannelProblem): boolean {
  const read = work.apply.buffers.filter((name) => name.endsWith("*") && !name.includes("!"));
  return extents.channels >= LEAST_CHANNELS && extents.count * read.length <= MOST_READ;
}

/** Who shares a channel, and which devices can. */
interface Sharer {
  readonly by: string;
  readonly needs?: (device: DeviceAbilities) => boolean;
}

/** Who shares a channel on which devices, and why. */
const SHARERS: readonly (Pick<Rule<ChannelProblem>, "on" | "because"> & Sharer)[] = [
  { on: "software", by: "threads", because: "barriers are slow there" },
  {
    on: "hardware",
    by: "subgroups",
    because: `workgroups share a channel, and ${WHY_SUBGROUPS}`,
    needs: (device) => device.subgroups,
  },
  { on: "hardware", by: "workgroups", because: "workgroups share a channel" },
];

/** The rules of what is done to every channel. */
export const CHANNEL_RULES: readonly Rule<ChannelProblem>[] = SHARERS.flatMap(
  ({ on, because, by, needs = () => true }) => {
    const configuration = { by }, when = (_problem: ChannelProblem, device: DeviceAbilities) => needs(device);
    return [
      {
        on,
        because: `${because}; channels are many and small`,
        when: (problem, device) => needs(device) && suitsOneKernel(problem),
        family: "one kernel",
        configuration,
      },
      { on, because, when, family: "two kernels", configuration },
      { on, because: `${because}; two kernels bind too many buffers`, when, family: "three kernels", configuration },
    ];
  },
);

/** The rules of what is summed of every channel alone. */
export const SUM_RULES: readonly Rule<ChannelProblem>[] = SHARERS.map(
  ({ on, because, by, needs = () => true }) => ({
    on,
    because,
    when: (_problem, device) => needs(device),
    family: "sums",
    configuration: { by },
  }),
);

/** Units of a plane that a thread takes where loads are slow, so that it loads what is the channel's once. */
const RUN = 8;

/** The longest run of units that divides a plane. */
export function longestRun(e: Extents): number {
  return largestDivisor(e.plane / unitSize(e), RUN);
}

/** The rules of elementwise normalisation. */
export const UNIT_RULES: readonly Rule<UnitWork>[] = [
  {
    on: "software",
    because: "loads are slow there, so a thread takes a run of units",
    family: "elementwise",
    configuration: ({ extents }) => ({ run: longestRun(extents) }),
  },
];
