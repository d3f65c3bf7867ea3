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
  // What is printed is kept, so that there is no terminal, whatever the tests were started on.
  const streams = [Deno.stdin, Deno.stdout, Deno.stderr];
  for (const stream of streams) Object.defineProperty(stream, "isTerminal", { value: () => false, configurable: true });
  try {
    return { code: await main(args), ...printed };
  } finally {
    Object.assign(console, { log, error });
    for (const stream of streams) Reflect.deleteProperty(stream, "isTerminal");
  }
}
