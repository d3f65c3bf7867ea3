/** What the comparisons with PyTorch share: running parity.py, and reading what it writes. */

import { fileURLToPath } from "node:url";

/** The Python that has PyTorch. */
const PYTHON = Deno.env.get("PYTHON") ?? "/usr/bin/python3";

/** Runs a command of parity.py. */
export async function python(command: "make" | "load" | "step", name: string, folder: string): Promise<void> {
  const script = fileURLToPath(new URL("parity.py", import.meta.url));
  const { code, stderr } = await new Deno.Command(PYTHON, { args: [script, command, name, folder] }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

/** The elements of a file of float32. */
export async function floats(path: string): Promise<Float32Array> {
  return new Float32Array((await Deno.readFile(path)).buffer);
}
