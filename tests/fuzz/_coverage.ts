/**
 * Which parts of the sources ran, as V8 counts them. An input that reaches a part for the first time is worth being changed
 * further.
 */

import { Session } from "node:inspector";

/** A function as V8 tells of it: the first range is the whole of it, the others are blocks within that ran another number of times. */
interface CoveredFunction {
  readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
}

interface CoveredScript {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly CoveredFunction[];
}

/** The sources, without the tests. */
const SOURCES = new URL("../../", import.meta.url).href, TESTS = new URL("../", import.meta.url).href;
/** Readers with planted faults, which try the fuzzer itself. */
const PLANTED = new URL("./_planted.ts", import.meta.url).href;

/** Watches what runs in this isolate. */
export class Coverage {
  readonly #session = new Session();
  /** The characters of each function that ran. */
  readonly #seen = new Map<string, Uint8Array>();
  /** What was looked at before, so that it is not again. */
  readonly #known = new Set<string>();
  #covered = 0;

  /** Begins to count. */
  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#post("Profiler.enable");
    await coverage.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    return coverage;
  }

  /** The characters of the sources that ran so far. */
  get covered(): number {
    return this.#covered;
  }

  /**
   * Whether something ran since the last question that never ran before.
   *
   * @param keep Whether it counts as seen from now on.
   */
  async isNew(keep: boolean): Promise<boolean> {
    let isNew = false;
    for (const { scriptId, functions } of await this.#take()) {
      for (const { ranges } of functions) {
        const [{ startOffset: start, endOffset: end }] = ranges;
        const id = `${scriptId} ${start} ${end}`, key = `${id} ${ranges.map(describe)}`;
        if (this.#known.has(key)) continue;
        const ran = new Uint8Array(end - start);
        // The ranges of blocks come after those that they are in.
        for (const { startOffset, endOffset, count } of ranges) {
          ran.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
        }
        const seen = this.#seen.get(id) ?? new Uint8Array(ran.length), more = ran.filter((one, k) => one > seen[k]);
        isNew ||= more.length > 0;
        if (!keep) continue;
        this.#known.add(key);
        this.#covered += more.length;
        this.#seen.set(id, seen.map((one, k) => one | ran[k]));
      }
    }
    return isNew;
  }

  async #take(): Promise<CoveredScript[]> {
    const { result } = await this.#post<{ result: CoveredScript[] }>("Profiler.takePreciseCoverage");
    return result.filter(({ url }) => url === PLANTED || (url.startsWith(SOURCES) && !url.startsWith(TESTS)));
  }

  #post<T>(method: string, params: object = {}): Promise<T> {
    return new Promise((resolve, reject) =>
      this.#session.post(method, params, (error, result) => error ? reject(error) : resolve(result as T))
    );
  }
}

function describe({ startOffset, endOffset, count }: CoveredFunction["ranges"][number]): string {
  return `${startOffset}-${endOffset}${count > 0 ? "+" : "-"}`;
}
