/** The training column: settings, start and stop, progress and curves. */

import type { Answer, Request, Settings } from "../protocol.ts";
import { Chart } from "./chart.ts";
import { byId, messageOf, showError } from "./dom.ts";
import { duration, percent } from "./format.ts";
import type { PhotoBoxes } from "./photo_boxes.ts";

const ERROR = "training-error";

/** What the fields say; those that are empty say nothing. */
export function settings(): Settings {
  const numberOf = (id: string) => {
    const { value, validity, labels } = byId<HTMLInputElement>(id);
    if (validity.valid) return value === "" ? undefined : Number(value);
    const { min, max } = byId<HTMLInputElement>(id);
    throw new Error(`${labels![0].firstChild!.textContent!.trim()}: expected a number from ${min} to ${max}.`);
  };
  return {
    backend: byId<HTMLSelectElement>("backend").value as Settings["backend"],
    model: byId<HTMLSelectElement>("model").value || undefined,
    size: numberOf("size"),
    epochs: numberOf("epochs"),
    batch: numberOf("batch"),
    rate: numberOf("rate"),
  };
}

/** The second column of the page. */
export class Training {
  readonly #boxes: PhotoBoxes;
  readonly #ask: (request: Request) => void;
  readonly #onBegin: () => void;
  #charts: { readonly loss: Chart; readonly accuracy: Chart } | undefined;
  #weights: File | undefined;
  #stopped = false;
  /** The epochs that are done. */
  #done = 0;
  /** The accuracy on the photos that are held out of the weights that are kept. */
  #best = 0;

  /**
   * Listens to the buttons.
   *
   * @param boxes The photos.
   * @param ask Asks the worker.
   * @param onBegin Called when a run begins.
   */
  constructor(boxes: PhotoBoxes, ask: (request: Request) => void, onBegin: () => void) {
    this.#boxes = boxes;
    this.#ask = ask;
    this.#onBegin = onBegin;
    byId("train").addEventListener("click", () => this.#begin());
    byId("resume").addEventListener("click", () => this.#goOn());
    byId("stop").addEventListener("click", () => {
      this.#stopped = true;
      byId<HTMLButtonElement>("stop").disabled = true;
      this.#say("Stopping after this step…");
      ask({ kind: "stop" });
    });
    const input = byId<HTMLInputElement>("start-weights");
    input.addEventListener("change", () => this.#startFrom(input.files?.[0]));
    byId("start-none").addEventListener("click", () => {
      input.value = "";
      this.#startFrom(undefined);
    });
  }

  /** The photos are being read. */
  activity({ text, done = 0, total = 0 }: Extract<Answer, { kind: "activity" }>): void {
    this.#say(total === 0 ? text : `${text}: ${done} of ${total}`);
    byId<HTMLProgressElement>("progress").value = total === 0 ? 0 : done / total;
  }

  /** The run is known; its programs are compiled now. */
  started({ text, epochs }: Extract<Answer, { kind: "started" }>): void {
    byId("run").textContent = text;
    this.#say("Compiling");
    byId<HTMLProgressElement>("progress").value = 0;
    const lines = ["training", "held out"];
    this.#charts = {
      loss: new Chart({ title: "Loss", lines, format: (value) => value.toFixed(2) }, epochs),
      accuracy: new Chart(
        { title: "Accuracy", lines, highest: 1, format: (value) => `${Math.round(100 * value)} %` },
        epochs,
      ),
    };
    byId("charts").replaceChildren(this.#charts.loss.element, this.#charts.accuracy.element);
    byId("charts").hidden = false;
  }

  /** Some steps are done. */
  step({ step, totalSteps, epoch, imagesPerSecond, secondsLeft }: Extract<Answer, { kind: "step" }>): void {
    byId<HTMLProgressElement>("progress").value = step / totalSteps;
    if (this.#stopped) return;
    const rate = imagesPerSecond >= 10 ? Math.round(imagesPerSecond) : imagesPerSecond.toFixed(1);
    this.#say(`Epoch ${epoch + 1}, ${rate} photos/s, ${duration(secondsLeft)} left`);
  }

  /** An epoch is done. */
  epoch({ epoch, trainLoss, trainTop1, validation, isBest }: Extract<Answer, { kind: "epoch" }>): void {
    const { loss, accuracy } = this.#charts!;
    this.#done = epoch;
    loss.add(0, epoch, trainLoss);
    accuracy.add(0, epoch, trainTop1);
    if (validation === undefined) return;
    loss.add(1, epoch, validation.loss);
    accuracy.add(1, epoch, validation.top1);
    if (isBest) this.#best = validation.top1;
  }

  /** The run is over, by itself, by the user or as it failed. */
  ended(error?: string): void {
    byId("train").hidden = false;
    byId("stop").hidden = byId("progress").hidden = true;
    byId("resume").hidden = this.#done === 0 || (!this.#stopped && error === undefined);
    if (error === undefined) {
      const best = this.#best === 0 ? "" : `; the weights with ${percent(this.#best)} of the held-out photos are kept`;
      this.#say(`${this.#stopped ? "Stopped" : "Done"}${best}`);
    } else this.#say("");
    showError(ERROR, error);
  }

  #begin(): void {
    this.#start(() => {
      const request = { classes: this.#boxes.classes, settings: settings(), weights: this.#weights };
      this.#best = this.#done = 0;
      byId("charts").hidden = true;
      byId("run").textContent = "";
      return { kind: "train", ...request };
    });
  }

  #goOn(): void {
    this.#start(() => ({ kind: "resume", settings: settings() }));
  }

  /** Asks the worker for a run, unless what it would be asked is wrong. */
  #start(make: () => Request): void {
    showError(ERROR);
    try {
      const request = make();
      this.#onBegin();
      this.#stopped = false;
      byId("train").hidden = byId("resume").hidden = true;
      byId<HTMLButtonElement>("stop").disabled = false;
      byId("stop").hidden = byId("progress").hidden = false;
      this.#say("Beginning");
      this.#ask(request);
    } catch (error) {
      showError(ERROR, messageOf(error));
    }
  }

  #startFrom(weights: File | undefined): void {
    this.#weights = weights;
    byId("start-name").textContent = weights?.name ?? "random weights";
    byId("start-none").hidden = weights === undefined;
  }

  #say(text: string): void {
    byId("state").textContent = text;
  }
}
