/** Requests to a server of the kinds that a long run mixes, each with the answer that it must have. */

import { DeviceError } from "../../core/mod.ts";

/** The kinds of requests. */
export type Kind = "image" | "form" | "no image" | "too large" | "left";

/** What a server says of an image: everything but the name of its file. */
interface Answer {
  readonly predictions?: readonly { readonly class: string; readonly probability: number }[];
  readonly error?: string;
}

/** The most times of each kind that are kept, so that the client does not grow: the first ones are overwritten. */
const KEPT = 100_000;

/** Asks, and holds each answer to what the first said of the same image. */
export class Asker {
  /** The milliseconds to the answers of each kind, the last 100,000. */
  readonly times: Readonly<Record<Kind, number[]>> = { image: [], form: [], "no image": [], "too large": [], left: [] };
  /** The right answers so far. */
  answers = 0;
  readonly #address: string;
  readonly #images: readonly Uint8Array<ArrayBuffer>[];
  readonly #expected: readonly Answer[];
  readonly #counts: Partial<Record<Kind, number>> = {};

  private constructor(address: string, images: readonly Uint8Array<ArrayBuffer>[], expected: readonly Answer[]) {
    this.#address = address;
    this.#images = images;
    this.#expected = expected;
  }

  /**
   * Asks once for each image.
   *
   * @param address The server's, without a slash at the end. It must refuse requests of more than 1 MiB.
   * @param images Image files.
   * @throws {DeviceError} If an answer has no predictions.
   */
  static async create(address: string, images: readonly Uint8Array<ArrayBuffer>[]): Promise<Asker> {
    const expected: Answer[] = [];
    for (const image of images) {
      const response = await post(address, image), { images: [answer] } = await response.json();
      if (answer.predictions === undefined) throw new DeviceError(`The server has no predictions: ${answer.error}`);
      expected.push(answer);
    }
    return new Asker(address, images, expected);
  }

  /**
   * Asks once.
   *
   * @param client The client's number, from which follows with which image it begins.
   * @param request How often it has asked; of a hundred, 91 are an image, 6 a form of several, 3 of the other kinds.
   * @throws {DeviceError} If the answer is not the right one.
   */
  async ask(client: number, request: number): Promise<void> {
    const k = (7 * client + request) % this.#images.length, kind = kindOf(request), started = performance.now();
    if (kind === "image") await this.#expect(post(this.#address, this.#images[k]), [k]);
    else if (kind === "form") await this.#askForm(k);
    else if (kind === "no image") await this.#refused(post(this.#address, new TextEncoder().encode("no image")), 400);
    else if (kind === "too large") await this.#refused(post(this.#address, new Uint8Array(2 ** 21)), 413);
    else await this.#leave(k);
    const times = this.times[kind], count = this.#counts[kind] ?? 0;
    times[count % KEPT] = performance.now() - started;
    this.#counts[kind] = count + 1;
    this.answers++;
  }

  /**
   * Asks what the server has answered in all, those who had left included.
   *
   * @throws {DeviceError} If it calls any of it a failure of its own.
   */
  async expectNoFailure(): Promise<void> {
    const text = await (await fetch(`${this.#address}/metrics`)).text();
    const failures = /^residua_requests_total\{code="500"\} .*$/m.exec(text);
    if (failures !== null) throw new DeviceError(`The server failed: ${failures[0]}`);
  }

  async #askForm(k: number): Promise<void> {
    const form = new FormData(), chosen = [0, 1, 2].map((step) => (k + step) % this.#images.length);
    for (const index of chosen) form.append("files", new Blob([this.#images[index]]), `${index}.jpg`);
    await this.#expect(post(this.#address, form), chosen);
  }

  /** Goes away before the answer, or takes it where it comes at once. */
  async #leave(k: number): Promise<void> {
    const leaving = new AbortController(), answer = post(this.#address, this.#images[k], leaving.signal);
    setTimeout(() => leaving.abort(), 1);
    await answer.then((response) => response.body?.cancel()).catch(() => {});
  }

  async #expect(answer: Promise<Response>, chosen: readonly number[]): Promise<void> {
    const response = await answer, text = await response.text();
    if (response.status !== 200) throw new DeviceError(`Expected 200 but ${response.status} came: ${text}`);
    const images: Answer[] = JSON.parse(text).images;
    chosen.forEach((k, index) => {
      if (!sameAnswer(images[index], this.#expected[k])) {
        throw new DeviceError(`Image ${k} has another answer than first: ${JSON.stringify(images[index])}`);
      }
    });
  }

  async #refused(answer: Promise<Response>, status: number): Promise<void> {
    const response = await answer, text = await response.text();
    if (response.status !== status) throw new DeviceError(`Expected ${status} but ${response.status} came: ${text}`);
  }
}

function post(address: string, body: BodyInit, signal?: AbortSignal): Promise<Response> {
  return fetch(`${address}/predict`, { method: "POST", body, signal });
}

function kindOf(request: number): Kind {
  const k = request % 100;
  if (k === 33) return "no image";
  if (k === 66) return "too large";
  if (k === 99) return "left";
  return k % 17 === 5 ? "form" : "image";
}

/** Whether two answers have the same classes, with probabilities that differ by rounding: batches differ. */
function sameAnswer({ predictions: a }: Answer, { predictions: b }: Answer): boolean {
  return a !== undefined && b !== undefined && a.length === b.length &&
    a.every((one, k) => one.class === b[k].class && Math.abs(one.probability - b[k].probability) < 1e-4);
}
