/** The CPU backend. Kernels run task by task over views of one shared memory; nothing is allocated per step. */

import type { Backend, BackendCompileOptions, Executable, Storage } from "../backend.ts";
import type { MatrixProduct } from "../op.ts";
import type { Plan } from "../plan.ts";
import type { TensorSpec } from "../shape.ts";
import { CpuExecutable } from "./executable.ts";
import { createMatrixProduct } from "./matrix_product.ts";
import { CpuMemory } from "./memory.ts";
import { CpuStorage } from "./storage.ts";

/** Runs programs on the CPU. */
export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly description: string;
  readonly #memory = new CpuMemory();
  readonly #matrixProduct: MatrixProduct;

  /** Makes a backend with a memory of its own. */
  constructor() {
    const { matrixProduct, build } = createMatrixProduct(this.#memory);
    this.#matrixProduct = matrixProduct;
    this.description = `CPU, WebAssembly ${build}, 1 thread`;
  }

  /** Bytes of memory in use. */
  get liveBytes(): number {
    return this.#memory.liveBytes;
  }

  /** Allocates memory that outlives a step. */
  allocate(spec: TensorSpec): Storage {
    return new CpuStorage(this.#memory, spec);
  }

  /** Makes a plan executable. */
  compile(plan: Plan, options: BackendCompileOptions): Promise<Executable> {
    return Promise.resolve(new CpuExecutable(plan, options, this.#memory, this.#matrixProduct));
  }

  /** Every step is done when `run` returns. */
  finish(): Promise<void> {
    return Promise.resolve();
  }

  /** The memory goes with the object. */
  destroy(): void {}
}
