/** The page: sorts photos into classes, has its worker train on them, and shows what comes of it. */

import type { Request } from "./protocol.ts";
import { byId, make } from "./page/dom.ts";
import { startWorker } from "./page/network.ts";
import { PhotoBoxes } from "./page/photo_boxes.ts";
import { Training } from "./page/training.ts";
import { Trying } from "./page/trying.ts";

const train = byId<HTMLButtonElement>("train"), open = byId<HTMLInputElement>("open");
const setBusy = (busy: boolean) => {
  train.disabled = open.disabled = busy;
};

const ask = startWorker({
  hello({ device, models }) {
    byId("device").textContent = device;
    byId("model").append(...models.map((name) => make("option", { value: name }, name)));
  },
  activity: (answer) => training.activity(answer),
  started: (answer) => training.started(answer),
  step: (answer) => training.step(answer),
  epoch: (answer) => training.epoch(answer),
  ready(answer) {
    if (task === "train") training.ended();
    setBusy(false);
    trying.ready(answer);
  },
  classified: (answer) => trying.classified(answer),
  failed({ task: failed, id, message }) {
    if (failed !== "classify") {
      setBusy(false);
      byId("network").textContent = "Train a network first, or open weights that you saved.";
    }
    if (failed === "train") training.ended(message);
    else trying.failed(message, id);
  },
}, (message) => {
  byId("device").textContent = message;
  if (task === "train") training.ended(message);
  setBusy(true);
});

/** What was asked for last that makes a network. */
let task: Exclude<Request["kind"], "stop" | "resume" | "classify"> | undefined;
const begin = (kind: typeof task) => {
  task = kind;
  setBusy(true);
};
const trying = new Trying(ask, () => begin("open"));
const training = new Training(new PhotoBoxes(), ask, () => {
  begin("train");
  trying.close();
});
