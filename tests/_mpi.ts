/** Commands on several processes, as mpirun starts them. */

import { fileURLToPath } from "node:url";
import type { Outcome } from "./_cli.ts";

const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/** Why there is no mpirun here; nothing where there is one. */
export async function whyNoMpi(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("mpirun", { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return success ? undefined : "mpirun --version fails";
  } catch {
    return "there is no mpirun; install Open MPI (Debian: apt install openmpi-bin) to run this";
  }
}

/** How ranks are started on a machine with too few cores, as any user; who waits leaves these to the others. */
const MPIRUN: readonly string[] = [
  ...["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"],
];

/** Deno with the command line, as each rank runs it. */
export const RANK: readonly string[] = [Deno.execPath(), "run", "-A", "--no-check", "--config", config, main];

/** Ranks that run. */
export interface RunningRanks {
  /** The processes of the ranks, once they are started. */
  pids(): Promise<readonly number[]>;
  /** How it ended; it rejects where that takes more than some seconds. */
  end(seconds: number): Promise<Outcome>;
}

/** Starts mpirun with its arguments. */
export function startMpi(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningRanks {
  const child = new Deno.Command("mpirun", {
    args: [...MPIRUN, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  return {
    async pids() {
      for (;;) {
        const found = await childrenOf(child.pid);
        if (found.length > 0) return found;
        await pause(20);
      }
    },
    async end(seconds) {
      const timer = Promise.withResolvers<never>();
      const late = setTimeout(() => timer.reject(new Error(`mpirun has not ended in ${seconds} s`)), seconds * 1000);
      try {
        const { code, stdout, stderr } = await Promise.race([output, timer.promise]);
        return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
      } catch (error) {
        child.kill("SIGKILL");
        throw error;
      } finally {
        clearTimeout(late);
      }
    },
  };
}

/** Runs a command on as many ranks to its end. */
export function runRanks(
  size: number,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<Outcome> {
  return startMpi(["-np", String(size), ...RANK, ...args], env).end(120);
}

/** Waits so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The numbers that a script for the system's processes prints: Deno itself asks for all permissions there. */
async function processes(script: string, ...args: string[]): Promise<number[]> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script, "sh", ...args], stderr: "null" }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}

/** The processes that one has started, of those that run Deno. */
function childrenOf(pid: number): Promise<readonly number[]> {
  return processes(
    "for child in $(cat /proc/$1/task/*/children); do grep -q cli/main.ts /proc/$child/cmdline && echo $child; done",
    `${pid}`,
  );
}

/** The process of a rank that trains in a folder: Open MPI tells each its number. */
export async function rankOf(run: string, rank: number): Promise<number> {
  const [found] = await processes(
    `for process in /proc/[0-9]*; do
      grep -q cli/main.ts $process/cmdline && grep -qF -- "$1" $process/cmdline &&
        tr '\\0' '\\n' < $process/environ | grep -qx "OMPI_COMM_WORLD_RANK=$2" && echo \${process#/proc/}
    done`,
    run,
    `${rank}`,
  );
  if (found === undefined) throw new Error(`There is no rank ${rank} of ${run}`);
  return found;
}
