/** The peers: their names and how their processes are started. */

import { fileURLToPath } from "node:url";

/** The options of a peer's process. */
export interface PeerSettings {
  /** The number of threads. */
  readonly threads: number;
  /** The Python interpreter that has PyTorch. */
  readonly python: string;
}

/** A framework that can be measured. */
export interface PeerKind {
  readonly name: string;
  /** Whether it works on the GPU, so that it is measured only if asked for. */
  readonly webgpu: boolean;
  /** The command line of its process. */
  command(settings: PeerSettings): PeerCommand;
}

/** The command line of a process. */
export interface PeerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Environment variables that are added to this process's, or removed. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

function script(file: string): string {
  return fileURLToPath(new URL(`peers/${file}`, import.meta.url));
}

function typescript(name: string, file: string, backend: string): PeerKind {
  return {
    name,
    webgpu: backend === "webgpu",
    command: ({ threads }) => ({
      program: Deno.execPath(),
      args: ["run", "-A", "--quiet", "--no-config", "--no-lock", script(file), String(threads), backend],
    }),
  };
}

/** All peers; the others are compared with the first. */
export const PEERS: readonly PeerKind[] = [
  typescript("residua", "residua.ts", "cpu"),
  {
    name: "pytorch",
    webgpu: false,
    command: ({ threads, python }) => ({
      program: python,
      args: [script("pytorch.py"), String(threads)],
      environment: {
        // They choose kernels and tiles; a setting for another processor slows OpenBLAS down.
        OPENBLAS_CORETYPE: undefined,
        OPENBLAS_L2_SIZE: undefined,
        OPENBLAS_NUM_THREADS: String(threads),
        OMP_NUM_THREADS: String(threads),
      },
    }),
  },
  typescript("tfjs", "tensorflow.ts", "wasm"),
  typescript("jax-js", "jax.ts", "wasm"),
  typescript("ort-web", "onnxruntime.ts", "wasm"),
  typescript("ort-node", "onnxruntime.ts", "cpu"),
  typescript("residua-webgpu", "residua.ts", "webgpu"),
  typescript("tfjs-webgpu", "tensorflow.ts", "webgpu"),
  typescript("jax-js-webgpu", "jax.ts", "webgpu"),
];
