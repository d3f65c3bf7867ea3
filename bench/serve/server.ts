/** Servers that benchmarks start, as processes of their own. */

import { fileURLToPath } from "node:url";
import { DeviceError } from "../../core/mod.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A server that runs until it is disposed of. */
export interface RunningServer extends AsyncDisposable {
  /** Its address, without a slash at the end. */
  readonly address: string;
  /** The number of its process. */
  readonly pid: number;
}

/**
 * Starts a server, and resolves once it listens.
 *
 * @param args The flags of Deno beside those that all have, the script and its arguments.
 * @throws {DeviceError} If it ends before.
 */
export async function startServer(args: readonly string[]): Promise<RunningServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", "--config", `${root}deno.offline.json`, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let text = "", address: string | undefined;
  for await (const part of lines.values({ preventCancel: true })) {
    text += part;
    address = /Listening at (http:\S+?);?\s/.exec(text)?.[1];
    if (address !== undefined) break;
  }
  if (address === undefined) throw new DeviceError(`The server did not start: ${text}`);
  return {
    address,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await lines.cancel();
    },
  };
}
