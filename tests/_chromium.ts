/** Headless Chromium over its DevTools protocol, as far as tests of pages need it. */

import { WHOLE } from "./_all.ts";

export const CHROMIUM = "/usr/bin/chromium";
const required = Deno.env.get("RESIDUA_REQUIRE_BROWSER") === "1";
/** Whether tests are run: they are skipped where there is no Chromium, unless one is required. */
export const HAS_CHROMIUM: boolean = required || await Deno.stat(CHROMIUM).then(() => true, () => false);

/** Whether tests of pages are left out: they are run where a browser is required, and where {@link WHOLE} is. */
export const SHORT: boolean = !required && !WHOLE;

/** The flags by which headless Chromium has a software adapter of WebGPU, and those without WebGPU. */
export const SOFTWARE_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
export const NO_WEBGPU = ["--disable-gpu"];
/** A camera that shows a moving figure, and that no one is asked about. */
export const FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

const QUIET = [
  ...["--headless", "--no-sandbox", "--no-first-run", "--disable-quic", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

/** Milliseconds for which a page is waited for, unless a test says otherwise. */
const PATIENCE = 60_000;

/** A test that is skipped, visibly, where there is no Chromium, and where pages are left out. */
export function browserTest(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({
    name: `${name} [${!HAS_CHROMIUM ? "no Chromium" : SHORT ? "with RESIDUA_TEST=ci" : CHROMIUM}]`,
    ignore: ignore || SHORT || !HAS_CHROMIUM,
    fn,
  });
}

/** Serves on a free port of this machine while a test runs. */
export function serveLocal(handler: (request: Request) => Response | Promise<Response>): AsyncDisposable & {
  readonly url: string;
} {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A page in a browser of its own. */
export class BrowserPage implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #stderr: ReadableStream<string>;
  #socket!: WebSocket;
  #session: string | undefined;
  #sent = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    this.#stderr = process.stderr.pipeThrough(new TextDecoderStream());
  }

  /** Starts a browser and goes to an address. */
  static async open(url: string, flags: readonly string[] = NO_WEBGPU): Promise<BrowserPage> {
    const folder = await Deno.makeTempDir();
    const process = new Deno.Command(CHROMIUM, {
      args: [...QUIET, ...flags, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const page = new BrowserPage(process, folder);
    try {
      await page.#connect(await page.#address());
      await page.send("Page.navigate", { url });
      await page.until(`document.readyState === "complete" && location.href !== "about:blank"`);
      return page;
    } catch (error) {
      await page[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The number of the browser's process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** A folder that goes when the page does. */
  get folder(): string {
    return this.#folder;
  }

  async #address(): Promise<string> {
    let said = "";
    for await (const text of this.#stderr.values({ preventCancel: true })) {
      said += text;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found !== null) return found[1];
    }
    throw new Error(`Chromium did not start: ${said}`);
  }

  async #connect(address: string): Promise<void> {
    // Unread, its messages would stop it.
    this.#stderr.pipeTo(new WritableStream()).catch(() => {});
    const opened = Promise.withResolvers<void>();
    this.#socket = new WebSocket(address);
    this.#socket.onopen = () => opened.resolve();
    this.#socket.onerror = () => opened.reject(new Error("Chromium does not answer"));
    this.#socket.onclose = () =>
      this.#waiting.forEach(({ reject }) => reject(new Error("Chromium ended before it answered")));
    this.#socket.onmessage = ({ data }) => {
      const { id, result, error }: Reply = JSON.parse(data), waiting = this.#waiting.get(id ?? 0);
      this.#waiting.delete(id ?? 0);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    };
    await opened.promise;
    const { targetInfos } = await this.send<{ targetInfos: { type: string; targetId: string }[] }>("Target.getTargets");
    const { targetId } = targetInfos.find(({ type }) => type === "page")!;
    const attached = await this.send<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
    this.#session = attached.sessionId;
  }

  /** Sends a command of the protocol. */
  async send<T = unknown>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#sent, waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return await waiting.promise as T;
  }

  /** The value of an expression on the page, waited for where it is a promise. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      readonly result: { readonly value: T };
      readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Waits until an expression holds. */
  async until(expression: string, patience = PATIENCE): Promise<void> {
    const end = performance.now() + patience;
    while (!await this.value(`Boolean(${expression})`).catch(() => false)) {
      if (performance.now() > end) {
        const text = await this.value<string>("document.body.innerText").catch(String);
        throw new Error(`The page did not come to ${expression}. It says: ${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The text that an element shows. */
  text(selector: string): Promise<string> {
    return this.value(`document.querySelector(${JSON.stringify(selector)}).innerText`);
  }

  /** Presses a button. */
  async click(selector: string): Promise<void> {
    await this.value(`document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  /** Gives files to an input, or a folder to one that takes folders. */
  async choose(selector: string, files: readonly string[]): Promise<void> {
    const { root } = await this.send<{ root: { nodeId: number } }>("DOM.getDocument");
    const { nodeId } = await this.send<{ nodeId: number }>("DOM.querySelector", { nodeId: root.nodeId, selector });
    await this.send("DOM.setFileInputFiles", { nodeId, files });
  }

  /** Drops files or folders on an element. */
  async drop(selector: string, files: readonly string[]): Promise<void> {
    // What lies outside the window gets no events.
    const at = await this.value<{ x: number; y: number }>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await this.send("Input.dispatchDragEvent", { type, ...at, data });
    }
  }

  /** Has downloads go to the page's folder. */
  async keepDownloads(): Promise<void> {
    await this.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: this.#folder });
  }

  /** What the window shows, as a PNG. */
  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.send<{ data: string }>("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket !== undefined) {
      const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve, { once: true }));
      this.#process.kill();
      await closed;
    } else this.#process.kill();
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}
