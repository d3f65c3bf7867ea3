/** Runs the command line in this process, which starts faster than one of its own and can be watched. */

import { main } from "../cli/main.ts";
import type { Outcome } from "./_cli.ts";

let running: Promise<unknown> = Promise.resolve();

/** Runs a command to its end, and keeps what it prints. Those that are started together run one after the other. */
export function runInProcess(args: readonly string[]): Promise<Outcome> {
  const outcome = running.then(() => run(args));
  running = outcome.catch(() => {});
  return outcome;
}

async function run(args: readonly string[]): Promise<Outcome> {
  const { log, error } = console, printed: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  const keep = (stream: "stdout" | "stderr") => (...parts: unknown[]) =>
    void (printed[stream] += parts.join(" ") + "\n");
  console.log = keep("stdout");
  console.error = keep("stderr");
  try {
    return { code: await main(args), ...printed };
  } finally {
    Object.assign(console, { log, error });
  }
}
