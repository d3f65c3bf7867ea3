/**
 * The error classes. A message is one sentence that a person can act on: what is wrong, where, what was expected and what was
 * found. The command line prints the message without a stack and takes its exit code from the class.
 */

import { type Advice, Sentence } from "./sentence.ts";

/** The base of every error that Residua raises on purpose. */
export class ResiduaError extends Error {
  /** The name of the class. */
  override name = "ResiduaError";
  readonly #sentence: Sentence;

  /**
   * Makes one.
   *
   * @param message What went wrong; a sentence where it names arguments of the caller's.
   */
  constructor(message: string | Sentence = "") {
    super(String(message));
    this.#sentence = typeof message === "string" ? new Sentence([message]) : message;
  }

  /** The message with its arguments, to be sent to another thread, or to be continued by who knows more. */
  get sentence(): Sentence {
    return this.#sentence;
  }

  /** The arguments that the message tells the caller to set, in its order. */
  get advice(): readonly Advice[] {
    return this.#sentence.advice;
  }

  /** The message, with arguments as `name` writes them, such as the flags of a command line. */
  format(name: (advice: Advice) => string): string {
    return this.#sentence.format(name);
  }
}

/** The caller asked for something that does not exist or does not fit: an unknown option, model or value. */
export class UsageError extends ResiduaError {
  /** The name of the class. */
  override name = "UsageError";
}

/** A tensor, attribute or argument of an op has a shape, type or value that the op does not take. */
export class ShapeError extends ResiduaError {
  /** The name of the class. */
  override name = "ShapeError";
}

/** A file or a data set is missing, truncated or invalid. */
export class DataError extends ResiduaError {
  /** The name of the class. */
  override name = "DataError";
}

/** A device was not available, ran out of memory, refused a kernel, hung or was lost; or a thread or worker stopped. */
export class DeviceError extends ResiduaError {
  /** The name of the class. */
  override name = "DeviceError";
}

/** A device has too little memory for an allocation, or too little in one piece. */
export class OutOfMemoryError extends DeviceError {
  /** The name of the class. */
  override name = "OutOfMemoryError";

  /**
   * Makes one.
   *
   * @param message The allocation, its size, and the memory that there is.
   * @param available The bytes of the device's memory, as far as they are known.
   */
  constructor(message: string | Sentence, readonly available: number) {
    super(message);
  }
}

/** A computation gave a number that is not finite, such as a loss of NaN. */
export class NumericError extends ResiduaError {
  /** The name of the class. */
  override name = "NumericError";
}
