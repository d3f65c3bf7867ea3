/** What the error of a device says where a run was interrupted by it. */

import { argument, DeviceError, OutOfMemoryError, sentence } from "../core/mod.ts";

/**
 * Tells that a run whose files are whole goes on from them, where a device or a worker ended it.
 *
 * @param error What ended the run.
 * @returns The error to raise: the same, unless it is a device's.
 */
export function withResumeAdvice(error: unknown): unknown {
  if (!(error instanceof DeviceError)) return error;
  const goOn = sentence`the files of the run are whole, go on from the last checkpoint with ${argument("progress")}`;
  if (!(error instanceof OutOfMemoryError)) return new DeviceError(sentence`${error.sentence}; ${goOn}`);
  return new OutOfMemoryError(
    sentence`${error.sentence}; end what else uses that memory, then: ${goOn}`,
    error.available,
  );
}
