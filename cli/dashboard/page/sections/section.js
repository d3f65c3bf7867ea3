/** A part of a run's page that is loaded when it is seen. */

import { make } from "../elements.js";

/** Milliseconds between loads of what changes with the epochs. */
const LEAST_PAUSE = 5000;

/** A section with a title, whose content comes from the server. */
export class Section {
  #content = make("div", { className: "content" });
  #load;
  #changes;
  #seen = false;
  #epochs;
  #loaded;
  #time = -Infinity;
  #timer;
  #observer;

  /**
   * @param {string} title
   * @param {() => Promise<Node>} load Gives the content.
   * @param {boolean} changes Whether it is another after each epoch.
   */
  constructor(title, load, changes = false) {
    this.#load = load;
    this.#changes = changes;
    this.element = make("section", {}, make("h2", {}, title), this.#content);
    this.element.dataset.section = title.toLowerCase().replaceAll(" ", "-");
    this.#content.append(make("p", { className: "hint" }, "…"));
    this.#observer = new IntersectionObserver(([{ isIntersecting }]) => {
      this.#seen = isIntersecting;
      this.#refresh();
    }, { rootMargin: "300px" });
    this.#observer.observe(this.element);
  }

  /** Says how many epochs are done. */
  tell(epochs) {
    this.#epochs = epochs;
    this.#refresh();
  }

  #refresh() {
    const wanted = this.#changes ? this.#epochs ?? 0 : 0;
    // What somebody looks into stays as it is.
    const isBusy = this.element.contains(document.activeElement) && this.#loaded !== undefined;
    if (!this.#seen || this.#loaded === wanted || isBusy || this.#timer !== undefined) return;
    this.#timer = setTimeout(async () => {
      this.#loaded = wanted;
      this.#time = performance.now();
      const content = await this.#load().catch((error) => make("p", { className: "hint" }, error.message));
      this.#content.replaceChildren(content);
      this.#timer = undefined;
      this.#refresh();
    }, Math.max(0, this.#time + LEAST_PAUSE - performance.now()));
  }

  /** Loads nothing any more. */
  remove() {
    this.#observer.disconnect();
    clearTimeout(this.#timer);
    this.element.remove();
  }
}
