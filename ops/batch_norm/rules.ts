/** Which kernels of batch norm run where nothing was measured. */

import type { Rule } from "../../core/mod.ts";
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

/** The rules of what is done to every channel. */
export const CHANNEL_RULES: readonly Rule<ChannelProblem>[] = (["software", "hardware"] as const).flatMap((on) => {
  const because = on === "software" ? "barriers are slow there" : "workgroups share a channel";
  const configuration = { by: on === "software" ? "threads" : "workgroups" };
  return [
    {
      on,
      because: `${because}; channels are many and small`,
      when: suitsOneKernel,
      family: "one kernel",
      configuration,
    },
    { on, because, family: "two kernels", configuration },
    { on, because: `${because}; two kernels bind too many buffers`, family: "three kernels", configuration },
  ];
});

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
