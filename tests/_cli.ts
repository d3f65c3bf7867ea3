/** Runs the command line in a process of its own, as a person does. */

import { fileURLToPath } from "node:url";

const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/** What a command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bench = fileURLToPath(new URL("../bench/", import.meta.url));

function command(args: readonly string[], env: Record<string, string>, module = main, cwd?: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", config, module, ...args],
    env: { NO_COLOR: "1", ...env },
    cwd,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Text whose lines were broken to fit a width, with those lines whole. */
export function unwrapped(text: string): string {
  return text.replace(/\n {2}(?! )/g, " ");
}

/** What standard error says beside the warning that a run is too short to learn from, as those of tests are. */
export function besideFewSteps(stderr: string): string {
  return stderr.replace(/^warning: \d+ steps are few.*\n/gm, "");
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return outcomeOf(command(args, env));
}

/** Runs a script of a shell, which reads no settings of the user's. */
export function runInShell(shell: "bash" | "zsh" | "fish", script: string): Promise<Outcome> {
  const alone = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[shell];
  return outcomeOf(new Deno.Command(shell, { args: [...alone, "-c", script], stdout: "piped", stderr: "piped" }));
}

/** Runs a benchmark to its end: `bench/main.ts` unless another file of that folder is named. */
export function runBench(args: readonly string[], file = "main.ts"): Promise<Outcome> {
  return outcomeOf(command(args, {}, bench + file));
}

async function outcomeOf(command: Deno.Command): Promise<Outcome> {
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** A command that runs. */
export interface RunningCli extends AsyncDisposable {
  /** The number of its process. */
  readonly pid: number;
  /** Waits for a line of its output that matches, and gives the match. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends it a signal, if one is given, and waits for its end. */
  end(signal?: Deno.Signal): Promise<Outcome & { readonly signal: Deno.Signal | null }>;
}

/** Starts a command, in a folder. It is killed when it is disposed of. */
export function startCli(args: readonly string[], env: Record<string, string> = {}, cwd?: string): RunningCli {
  const child = command(args, env, main, cwd).spawn();
  let stdout = "", heard = () => {};
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      stdout += text;
      heard();
    }
  })();
  const errors = new Response(child.stderr).text();
  const send = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended.
    }
  };
  return {
    pid: child.pid,
    async line(pattern) {
      const ended = child.status.then(({ code }) => code);
      for (;;) {
        const match = stdout.split("\n").map((line) => pattern.exec(line)).find((found) => found !== null);
        if (match != null) return match;
        const code = await Promise.race([ended, new Promise<undefined>((resolve) => heard = () => resolve(undefined))]);
        if (code !== undefined) throw new Error(`It ended with ${code}: ${stdout}${await errors}`);
      }
    },
    async end(signal) {
      if (signal !== undefined) send(signal);
      const status = await child.status;
      await reading;
      return { ...status, stdout, stderr: await errors };
    },
    async [Symbol.asyncDispose]() {
      send("SIGKILL");
      await child.status;
      await Promise.all([reading, errors]);
    },
  };
}

/** Runs a test with a folder of its own. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A small set in CIFAR-10's binary layout: random pixels, labels 0 to 9 in turn. */
export async function writeCifar(folder: string, count: number): Promise<void> {
  for (const name of ["data_batch_1.bin", "test_batch.bin"]) {
    const bytes = new Uint8Array(count * 3073);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 3073 === 0 ? Math.floor(i / 3073) % 10 : (i * 7919) >> 3;
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}
