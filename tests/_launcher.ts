/** Starts commands as the tasks do, by the launcher, without the second that `deno task` itself takes. */

import { fileURLToPath } from "node:url";
import type { Outcome } from "./_cli.ts";

/** The folder of the repository, with a separator at its end. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** How the tasks of the command line begin. */
export const LAUNCH: readonly string[] = ["run", "-RWE", "--allow-run", "--no-prompt", "--no-config"];

/** Where and with what a command runs. */
export interface LaunchOptions {
  /** Its folder. */
  readonly cwd?: string;
  /** Variables beside those of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Deno to its end. */
export async function runDeno(args: readonly string[], { cwd = root, env }: LaunchOptions = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    // What the test itself was started by is not its caller.
    env: { NO_COLOR: "1", INIT_CWD: cwd, ...env },
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs a command by the launcher. */
export function launch(args: readonly string[], options?: LaunchOptions): Promise<Outcome> {
  return runDeno([...LAUNCH, `${root}tools/run.ts`, ...args], options);
}
