/** Where the ranks of a machine compute: each with its share of the cores, or its own GPU. */

import type { Backend } from "../../core/mod.ts";
import type { ChosenValues } from "../options/chosen_values.ts";
import { openChosenBackend } from "../options/shared_options.ts";
import type { MpiCommunicator } from "./communicator.ts";
import type { Ranks } from "./ranks.ts";

/**
 * Opens the backend of a rank. On the CPU it takes its share of the cores: those that a launcher gave it alone, or its part of
 * those that it has in common with others of its machine.
 *
 * @param values The options; `threads` are those of a machine.
 */
export async function openRanksBackend(
  ranks: Ranks,
  values: Parameters<typeof openChosenBackend>[0],
): Promise<Backend> {
  if (ranks === undefined) return await openChosenBackend(values);
  return await openChosenBackend({ ...values, threads: await shareThreads(ranks, values.threads) });
}

/**
 * The threads of a rank on the CPU.
 *
 * @param asked Those of a machine. Defaults to one a core.
 */
export async function shareThreads(ranks: MpiCommunicator, asked: number | undefined): Promise<number> {
  const all = await ranks.gather({ machine: ranks.machine, cores: allowedCores() }), own = all[ranks.rank];
  const local = all.filter(({ machine }) => machine === own.machine);
  const together = local.filter(({ cores }) => cores === own.cores).length;
  const threads = asked === undefined ? navigator.hardwareConcurrency / together : asked / local.length;
  return Math.max(1, Math.floor(threads));
}

/** The cores on which the system lets this process run, as it writes them; nothing where it does not tell. */
function allowedCores(): string {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Who trains together, and how: the first lines of a run. All ranks call it. */
export async function describeRanks(
  ranks: MpiCommunicator,
  { name, description }: Backend,
  { batch, lr, warmup, ...values }: Pick<ChosenValues, "batch" | "lr" | "warmup" | "sync-bn" | "scale-lr">,
): Promise<string> {
  const all = await ranks.gather({ machine: ranks.machine, name, description }), { size, version } = ranks;
  const machines = new Set(all.map(({ machine }) => machine));
  const text = [
    `${size} rank${size === 1 ? "" : "s"} on ${
      machines.size === 1 ? ranks.machine : `${machines.size} machines`
    } by ${version}`,
    `batches of ${batch} each, ${batch * size} in all`,
    `batch norm over ${values["sync-bn"] ? "all ranks" : "each rank's own images"}`,
    ...(values["scale-lr"] ? [`rate ${lr}, ${size} times one rank's, after ${Number(warmup.toFixed(2))} epochs`] : []),
  ].join("; ");
  const devices = new Set(all.map(({ machine, description }) => `${machine} ${description}`));
  const shared = name === "webgpu" && devices.size < size;
  return shared
    ? `${text}\nnote: ranks of one machine have adapters of the same name; if there is one GPU for each, docs/scaling.md tells ` +
      "how each gets its own"
    : text;
}
