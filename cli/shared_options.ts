/** Options that several commands share, and what they open. */

import { type Backend, type BackendChoice, openBackend } from "../core/mod.ts";

/** The options --backend and --threads. */
export const BACKEND_OPTIONS = {
  backend: {
    kind: "text",
    about: "where to compute; auto takes a hardware GPU if there is one, else the CPU",
    default: "auto",
    choices: ["auto", "webgpu", "cpu"],
  },
  threads: { kind: "integer", about: "threads of the CPU backend; one a core unless given", minimum: 1 },
} as const;

/** The option --model. */
export const MODEL_OPTION = {
  kind: "text",
  value: "NAME",
  about: "resnet18, 34, 50, 101, 152, plain18, 34, mobilenet_v2; for small images resnet or plain of depth 6n+2 " +
    "(20, 32, 44, 56, 110) and mobilenet_v2_cifar; a width follows as in mobilenet_v2_0.5",
} as const;

/** Opens the backend that was asked for. */
export function openChosenBackend(
  { backend, threads }: { readonly backend: string; readonly threads?: number },
): Promise<Backend> {
  return openBackend(backend as BackendChoice, { threads });
}
