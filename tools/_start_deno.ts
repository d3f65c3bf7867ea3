/** Starts Deno for a command: what the tasks of a clone and the command of the package for npm share. It runs in Node too. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import process from "node:process";

/** Signals that are handed on, as far as the system has them. */
const SIGNALS = process.platform === "win32" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Starts Deno with the terminal of this process, and hands signals on, but for SIGINT where there is a terminal, which sends it
 * to both processes.
 *
 * @param deno The path of Deno.
 * @param args Its arguments.
 * @param env Environment variables to change. Defaults to none.
 * @returns Its exit code, once it has ended; of one that a signal ended what shells say, 128 and the signal's number.
 */
export async function startDeno(
  deno: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(deno, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const terminal = process.platform === "win32" ||
    [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if ((signal === "SIGINT" && terminal) || child.pid === undefined) return;
      try {
        // By its number: what `kill` of a child has sent, Deno takes for what has ended it.
        process.kill(child.pid, signal);
      } catch {
        // It has ended.
      }
    });
  }
  const [code, signal] = await once(child, "exit") as [number, null] | [null, keyof typeof constants.signals];
  return code ?? 128 + constants.signals[signal];
}
