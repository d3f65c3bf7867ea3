/** What a server has done, in Prometheus' text format (version 0.0.4). */

/** The bounds of a histogram, in its unit. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const IMAGES = [1, 2, 4, 8, 16, 32, 64, 128];

/** Counts of values up to each bound. */
class Histogram {
  readonly #counts: number[];
  #sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound);
    this.#counts[at < 0 ? this.bounds.length : at]++;
    this.#sum += value;
  }

  lines(name: string): string[] {
    let total = 0;
    const buckets = this.#counts.map((count, k) => {
      total += count;
      return `${name}_bucket{le="${this.bounds[k] ?? "+Inf"}"} ${total}`;
    });
    return [...buckets, `${name}_sum ${this.#sum}`, `${name}_count ${total}`];
  }
}

/** The counters of a server. */
export class ServerMetrics {
  readonly #requests = new Map<number, number>();
  readonly #seconds = new Histogram(SECONDS);
  readonly #batches = new Histogram(IMAGES);
  #images = 0;

  /** Counts an answer to a request for predictions. */
  answered(status: number, seconds: number): void {
    this.#requests.set(status, (this.#requests.get(status) ?? 0) + 1);
    this.#seconds.add(seconds);
  }

  /** Counts images that were computed together. */
  computed(images: number): void {
    this.#batches.add(images);
    this.#images += images;
  }

  /**
   * All of them as text.
   *
   * @param waiting The images that wait.
   */
  text(waiting: number): string {
    const codes = [...this.#requests].sort(([a], [b]) => a - b);
    const metrics: readonly (readonly [name: string, type: string, help: string, lines: readonly string[]])[] = [
      [
        "residua_requests_total",
        "counter",
        "Requests for predictions by the status of the answer.",
        codes.map(([code, count]) => `residua_requests_total{code="${code}"} ${count}`),
      ],
      ["residua_images_total", "counter", "Images that were computed.", [`residua_images_total ${this.#images}`]],
      ["residua_queue_images", "gauge", "Images that wait.", [`residua_queue_images ${waiting}`]],
      [
        "residua_request_seconds",
        "histogram",
        "Seconds from a request for predictions to its answer.",
        this.#seconds.lines("residua_request_seconds"),
      ],
      [
        "residua_batch_images",
        "histogram",
        "Images that were computed together.",
        this.#batches.lines("residua_batch_images"),
      ],
    ];
    return metrics.flatMap((
      [name, type, help, lines],
    ) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines])
      .join("\n") + "\n";
  }
}
