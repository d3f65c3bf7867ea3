/** The last column: photos and the camera are classified, weights saved and opened. */

import type { Answer, Request } from "../protocol.ts";
import { closeCamera, openCamera, takeFrame } from "./camera.ts";
import { byId, make, messageOf, showError } from "./dom.ts";
import { percent } from "./format.ts";
import { thumbnail } from "./thumbnail.ts";
import { takeDrops } from "./dropped_files.ts";
import { settings } from "./training.ts";

const ERROR = "trying-error";
/** The most results that are shown, unless more photos were chosen at once. */
const MOST_RESULTS = 30;
/** The classes that are shown of a photo. */
const SHOWN = 3;

type Classified = Extract<Answer, { kind: "classified" }>;

/** The last column of the page. */
export class Trying {
  readonly #ask: (request: Request) => void;
  readonly #waiting = new Map<number, { resolve(answer: Classified): void; reject(error: Error): void }>();
  #asked = 0;
  #file: Uint8Array<ArrayBuffer> | undefined;
  #live: HTMLVideoElement | undefined;
  /** How many networks there were: what was asked of one that is gone does not matter any more. */
  #networks = 0;

  /** Listens to the buttons. */
  constructor(ask: (request: Request) => void, onOpen: () => void) {
    this.#ask = ask;
    const input = byId<HTMLInputElement>("try-photos"), open = byId<HTMLInputElement>("open");
    input.addEventListener("change", () => this.#classify([...input.files ?? []]).then(() => input.value = ""));
    takeDrops(byId("trying"), (files) => this.#classify(files.map(({ file }) => file)));
    byId("live").addEventListener("click", () => this.#live === undefined ? this.#watch() : this.#endWatch());
    byId("save").addEventListener("click", () => this.#save());
    open.addEventListener("change", () => {
      const [weights] = open.files ?? [];
      open.value = "";
      try {
        this.close();
        onOpen();
        ask({ kind: "open", weights, settings: settings() });
      } catch (error) {
        this.failed(messageOf(error));
      }
    });
  }

  /** There is a network. */
  ready({ text, classes, file }: Extract<Answer, { kind: "ready" }>): void {
    this.#file = file;
    byId("network").textContent = `${text}. Classes: ${classes.slice(0, 12).join(", ")}${
      classes.length > 12 ? ", …" : ""
    }.`;
    this.#enable(true);
  }

  /** There is no network for now. */
  close(): void {
    this.#networks++;
    this.#endWatch();
    this.#enable(false);
    showError(ERROR);
    byId("results").replaceChildren();
    byId("network").textContent = "A network is being made ready.";
  }

  /** What failed is told. */
  failed(message: string, id?: number): void {
    if (id === undefined) showError(ERROR, message);
    else this.#take(id)?.reject(new Error(message));
  }

  /** A photo is classified. */
  classified(answer: Classified): void {
    this.#take(answer.id)?.resolve(answer);
  }

  #take(id: number) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #enable(enabled: boolean): void {
    byId<HTMLInputElement>("try-photos").disabled = !enabled;
    byId<HTMLButtonElement>("live").disabled = byId<HTMLButtonElement>("save").disabled = !enabled;
  }

  #predict(image: File): Promise<Classified> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#ask({ kind: "classify", id, image });
    });
  }

  async #classify(files: readonly File[]): Promise<void> {
    if (this.#file === undefined || byId<HTMLInputElement>("try-photos").disabled) {
      return showError(ERROR, "There is no network yet; train one, or open weights.");
    }
    showError(ERROR);
    const network = this.#networks, most = Math.max(MOST_RESULTS, files.length);
    for (const file of files) {
      if (network !== this.#networks) return;
      const body = make("div", {}, make("h3", {}, file.name)), row = make("article", { className: "result" });
      try {
        row.append(await thumbnail(file, file.name), body);
        byId("results").prepend(row);
        body.append(bars((await this.#predict(file)).top.slice(0, SHOWN)));
      } catch (error) {
        row.remove();
        if (network === this.#networks) showError(ERROR, messageOf(error));
      }
      while (byId("results").childElementCount > most) byId("results").lastElementChild!.remove();
    }
  }

  /** Classifies frame after frame, each once the last is answered. */
  async #watch(): Promise<void> {
    showError(ERROR);
    const network = this.#networks;
    try {
      const video = this.#live = await openCamera(), body = make("div"), button = byId("live");
      button.ariaPressed = "true";
      byId("results").prepend(make("article", { className: "result" }, video, body));
      while (this.#live === video) {
        const answer = await this.#predict(await takeFrame(video, "camera.jpg"));
        // In the order of the classes, so that the bars stay where they are.
        body.replaceChildren(make("h3", {}, "camera"), bars(answer.top.toSorted((a, b) => a.index - b.index)));
        await new Promise(requestAnimationFrame);
      }
    } catch (error) {
      if (network !== this.#networks) return;
      showError(ERROR, messageOf(error));
      this.#endWatch();
    }
  }

  #endWatch(): void {
    this.#live?.parentElement?.remove();
    this.#live = undefined;
    byId("live").ariaPressed = "false";
    closeCamera();
  }

  #save(): void {
    const url = URL.createObjectURL(new Blob([this.#file!], { type: "application/octet-stream" }));
    make("a", { href: url, download: "residua.safetensors" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

/** The classes with their probabilities as bars. */
function bars(top: Classified["top"]): HTMLElement {
  const best = Math.max(...top.map(({ probability }) => probability));
  return make(
    "div",
    {},
    ...top.map(({ label, probability }) => {
      const fill = make("div", { className: "fill" }), share = percent(probability);
      fill.style.width = `${100 * probability}%`;
      return make(
        "div",
        { className: probability === best ? "bar best" : "bar" },
        make("span", { title: label }, label),
        make("span", { className: "percent" }, share),
        make("div", { className: "track" }, fill),
      );
    }),
  );
}
