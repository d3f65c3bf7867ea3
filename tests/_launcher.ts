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

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd = root, env }: LaunchOptions = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs Deno to its end. */
export function runDeno(args: readonly string[], { cwd = root, env }: LaunchOptions = {}): Promise<Outcome> {
  // What the test itself was started by is not its caller.
  return runProgram(Deno.execPath(), args, { cwd, env: { INIT_CWD: cwd, ...env } });
}

/** Runs a program that trains for 9999 epochs, sends it SIGTERM when the first is done, and waits for its end. */
export async function stopAfterEpoch(
  program: string,
  args: readonly string[],
  { cwd = root, env }: LaunchOptions = {},
): Promise<Outcome> {
  const child = new Deno.Command(program, {
    args: [...args, "--epochs", "9999"],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let stdout = "", sent = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += text;
    if (sent || !/^ +1\/9999 /m.test(stdout)) continue;
    child.kill("SIGTERM");
    sent = true;
  }
  return { code: (await child.status).code, stdout, stderr: await stderr };
}

/** Runs a command by the launcher. */
export function launch(args: readonly string[], options?: LaunchOptions): Promise<Outcome> {
  return runDeno([...LAUNCH, `${root}tools/run.ts`, ...args], options);
}
