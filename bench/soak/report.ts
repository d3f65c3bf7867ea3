/** What long runs measure and print. */

import { formatTable } from "../../cli/reports/table.ts";
import { judge, type Sample, tenthsOf, TOLERANCE } from "./figures.ts";

const MIB = 2 ** 20;

/**
 * The flag with which what is watched is started. V8 widens the space of young objects in steps as it sees fit, by up to 30 MiB
 * after minutes, which would look like a leak: here it has its largest size at once.
 */
export const STEADY_HEAP = "--v8-flags=--expose-gc,--min-semi-space-size=16,--max-semi-space-size=16";

/** The resident memory of a process in bytes, with all its threads. */
export async function residentMemory(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", `${pid}`] }).output();
  return 1024 * Number(new TextDecoder().decode(stdout));
}

/** Prints the tenths of a run, and whether it was steady. If it was not, the process ends with 1. */
export function reportTenths(samples: readonly Sample[], unit: string): void {
  const tenths = tenthsOf(samples), { rate, memory, passed } = judge(tenths);
  const rows = tenths.map(({ rate, memory }, k) => [`${k + 1}`, rate.toFixed(1), (memory / MIB).toFixed(1)]);
  console.log(formatTable([["tenth", `${unit}/s`, "least MiB"], ...rows], 0));
  console.log(
    `the last tenth has ${rate.toFixed(3)} times the rate of the first, and the second half ${
      memory.toFixed(3)
    } times ` +
      `the least memory of the first: ${passed ? "steady" : `NOT steady, within ${100 * TOLERANCE} %`}`,
  );
  if (!passed) Deno.exitCode = 1;
}
