/** Fetches a file as a whole. */

import { DataError } from "../../core/mod.ts";
import { DownloadLine } from "../reports/progress.ts";
import { MOST_BYTES } from "../../files/mod.ts";

/** The options of {@link download}. */
export interface DownloadOptions {
  /** Whether a line on a terminal shows how far it is. Defaults to true. */
  readonly progress?: boolean;
  /** Seconds without a byte after which it is given up. Defaults to 60. */
  readonly patience?: number;
  /** What the user can do where it fails, for the end of the message. */
  readonly otherwise: string;
}

/**
 * Fetches a file into memory. Nothing is written, so that an interrupted download leaves nothing.
 *
 * @throws {DataError} If the address is not reached, or answers with something else than a whole file.
 */
export async function download(
  url: string,
  { progress = true, patience = 60, otherwise }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const fail = (why: string): never => {
    throw new DataError(`${url} ${why}; ${otherwise}`);
  };
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), 1000 * patience);
  };
  wait();
  let line: DownloadLine | undefined;
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return fail(`was answered with status ${response.status}`);
    }
    const header = response.headers.get("content-length"), total = header === null ? undefined : Number(header);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let received = 0;
    line = new DownloadLine(url.slice(url.lastIndexOf("/") + 1), progress, total);
    for await (const part of response.body) {
      wait();
      if (received + part.length > MOST_BYTES.weights) {
        throw new DataError(`${url}: expected a file of at most 4 GiB but it goes on; ${otherwise}`);
      }
      parts.push(part);
      line.update(received += part.length);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch (error) {
    if (error instanceof DataError) throw error;
    if (controller.signal.aborted) return fail(`sent nothing for ${patience} seconds`);
    // What fetch throws where there is no network, and where a connection breaks.
    if (error instanceof TypeError || error instanceof Deno.errors.Http) {
      return fail(`cannot be read: ${reason(error)}`);
    }
    throw error;
  } finally {
    clearTimeout(timer);
    line?.clear();
  }
}

/** The innermost cause, in a few words. */
function reason(error: Error): string {
  const deepest = error.cause instanceof Error ? reason(error.cause) : error.message;
  return deepest.split(": ").at(-1)!.trim();
}
