/** The box of a class: its name, its photos, and what adds to them. */

import type { ClassPhotos } from "../protocol.ts";
import { closeCamera, openCamera, takeFrame } from "./camera.ts";
import { make, messageOf } from "./dom.ts";
import { chosenFiles, type FoundFile, takeDrops } from "./dropped_files.ts";
import { photos } from "./format.ts";
import { thumbnail } from "./thumbnail.ts";

/** Milliseconds between the photos that are recorded. */
const RECORDING = 125;
/** How many files that are no photos are named. */
const NAMED = 3;

/** A box on the page. */
export class ClassBox {
  readonly element = make("article", { className: "box" });
  readonly #name = make("input", { className: "name", ariaLabel: "Name of the class", maxLength: 60 });
  readonly #count = make("span", { className: "count" });
  readonly #photos = make("div", { className: "photos" });
  readonly #error = make("p", { className: "error", role: "alert", hidden: true });
  readonly #record = make("button", { type: "button", textContent: "Camera" });
  readonly #close = make("button", { type: "button", className: "small quiet", textContent: "Close", hidden: true });
  readonly #files = new Map<HTMLElement, File>();
  #video: HTMLVideoElement | undefined;
  #recording = false;
  #recorded = 0;

  /**
   * Makes an empty box.
   *
   * @param name The name of the class.
   * @param onRemove Called when the user removes it.
   */
  constructor(name: string, onRemove: (box: ClassBox) => void) {
    this.#name.value = name;
    const input = make("input", { type: "file", accept: "image/*", multiple: true, className: "away" });
    input.id = `photos-${crypto.randomUUID()}`;
    input.addEventListener("change", () => this.add(chosenFiles(input)).then(() => input.value = ""));
    const label = make("label", { className: "button", htmlFor: input.id, textContent: "Photos…" });
    const remove = make("button", { type: "button", className: "small quiet", textContent: "Remove" });
    remove.addEventListener("click", () => {
      this.#closeCamera();
      onRemove(this);
    });
    remove.ariaLabel = "Remove this class";
    this.#close.addEventListener("click", () => this.#closeCamera());
    this.#listenToRecording();
    this.element.append(
      make("div", { className: "row" }, this.#name, this.#count, remove),
      this.#photos,
      make("div", { className: "row" }, label, input, this.#record, this.#close),
      this.#error,
    );
    takeDrops(this.element, (files) => this.add(files));
    this.#tellCount();
  }

  /** The class as it is trained on. */
  get content(): ClassPhotos {
    return { name: this.#name.value.trim(), photos: [...this.#files.values()] };
  }

  /** Adds photos, and names the files that are none. */
  async add(files: readonly FoundFile[]): Promise<void> {
    this.#say("");
    const wrong: string[] = [];
    for (const { file } of files) await this.#addFile(file).catch((error) => wrong.push(messageOf(error)));
    const more = wrong.length - NAMED;
    this.#say([...wrong.slice(0, NAMED), ...(more > 0 ? [`So are ${more} other files.`] : [])].join("\n"));
  }

  async #addFile(file: File): Promise<void> {
    const picture = await thumbnail(file, file.name), button = make("button", { type: "button", className: "photo" });
    button.title = `${file.name}: remove`;
    button.ariaLabel = `Remove ${file.name}`;
    button.append(picture);
    button.addEventListener("click", () => {
      this.#files.delete(button);
      button.remove();
      this.#tellCount();
    });
    this.#files.set(button, file);
    this.#photos.append(button);
    this.#tellCount();
  }

  #tellCount(): void {
    this.#count.textContent = photos(this.#files.size);
  }

  #say(text: string): void {
    this.#error.textContent = text;
    this.#error.hidden = text === "";
  }

  /** The first press opens the camera; held after that, by the pointer or the space bar, it records. */
  #listenToRecording(): void {
    const button = this.#record, start = () => this.#press(), end = () => this.#release();
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      start();
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(type, end);
    button.addEventListener("keydown", ({ key, repeat }) => {
      if ([" ", "Enter"].includes(key) && !repeat) start();
    });
    button.addEventListener("keyup", end);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  async #press(): Promise<void> {
    if (this.#video !== undefined) return await this.#recordFrames(this.#video);
    this.#say("");
    try {
      this.#video = await openCamera();
    } catch (error) {
      return this.#say(messageOf(error));
    }
    this.#photos.before(this.#video);
    this.#record.textContent = "Hold to record";
    this.#close.hidden = false;
  }

  async #recordFrames(video: HTMLVideoElement): Promise<void> {
    if (this.#recording) return;
    this.#recording = true;
    this.#record.classList.add("recording");
    try {
      while (this.#recording) {
        const next = performance.now() + RECORDING;
        await this.#addFile(await takeFrame(video, `camera ${++this.#recorded}.jpg`));
        this.#photos.scrollTop = this.#photos.scrollHeight;
        await new Promise((resolve) => setTimeout(resolve, next - performance.now()));
      }
    } catch (error) {
      this.#say(messageOf(error));
    } finally {
      this.#release();
    }
  }

  #release(): void {
    this.#recording = false;
    this.#record.classList.remove("recording");
  }

  #closeCamera(): void {
    this.#release();
    this.#video?.remove();
    this.#video = undefined;
    this.#record.textContent = "Camera";
    this.#close.hidden = true;
    closeCamera();
  }
}
