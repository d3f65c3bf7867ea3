/** Runs the command line in a process of its own, as a person does. */

const config = new URL("../deno.offline.json", import.meta.url).pathname;
const main = new URL("../cli/main.ts", import.meta.url).pathname;

/** What a command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", config, main, ...args],
    env: { NO_COLOR: "1", ...env },
  });
  const { code, stdout, stderr } = await command.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** A small set in CIFAR-10's binary layout: random pixels, labels 0 to 9 in turn. */
export async function writeCifar(folder: string, count: number): Promise<void> {
  for (const name of ["data_batch_1.bin", "test_batch.bin"]) {
    const bytes = new Uint8Array(count * 3073);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 3073 === 0 ? Math.floor(i / 3073) % 10 : (i * 7919) >> 3;
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}
