/** The page to try a server: choose, drop or paste images, and see their classes. */

/** The page, in one piece: it loads nothing from elsewhere. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Residua</title>
<style>
  :root { color-scheme: light dark; --ink: light-dark(#1b2733, #e4e9ee); --dim: light-dark(#5b6773, #9aa5b0);
    --bar: light-dark(#1d4e89, #6ea8e8); --back: light-dark(#eef3fb, #1f2a36);
    --paper: light-dark(#ffffff, #12161c); }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.3rem; margin: 0; }
  p { color: var(--dim); margin: 0 0 1rem; }
  label { display: block; border: 2px dashed var(--dim); border-radius: 8px; padding: 2rem 1rem; text-align: center; cursor: pointer; }
  label:focus-within, label.over { border-color: var(--bar); background: var(--back); }
  input { position: absolute; opacity: 0; }
  article { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; margin-top: 1.5rem; align-items: center; }
  @media (max-width: 30rem) { article { grid-template-columns: 1fr; } }
  img { width: 9rem; height: 9rem; object-fit: contain; background: var(--back); border-radius: 4px; }
  h2 { font-size: 0.9rem; font-weight: normal; color: var(--dim); margin: 0 0 0.3rem; overflow-wrap: anywhere; }
  table { width: 100%; border-collapse: collapse; }
  td { padding: 1px 0.5rem 1px 0; }
  td:first-child { width: 40%; overflow-wrap: anywhere; }
  td:nth-child(2) { width: 5rem; text-align: right; font-variant-numeric: tabular-nums; }
  meter { width: 100%; height: 0.9rem; }
</style>
<h1 id="name">Residua</h1>
<p id="about">Loading.</p>
<label id="drop"><input id="files" type="file" accept="image/*" multiple>Choose images, drop them here, or paste one</label>
<main id="results" aria-live="polite"></main>
<script>
  const byId = (id) => document.getElementById(id), make = (tag, text = "") =>
    Object.assign(document.createElement(tag), { textContent: text });
  fetch("health").then((answer) => answer.json()).then(({ model, inputShape, classes }) => {
    byId("name").textContent = document.title = model;
    const some = classes.slice(0, 12).join(", ") + (classes.length > 12 ? ", …" : "");
    byId("about").textContent = classes.length + " classes: " + some + ". Images are seen at " + inputShape.slice(1).join("x") + " pixels.";
  }, () => byId("about").textContent = "The server does not answer.");

  function show(file) {
    const article = make("article"), image = make("img"), text = make("div");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    text.append(make("h2", file.name || "image"), make("span", "…"));
    article.append(image, text);
    byId("results").prepend(article);
    return (content) => text.lastChild.replaceWith(content);
  }

  function tableOf(predictions) {
    const table = make("table");
    for (const { class: name, probability } of predictions) {
      const row = table.insertRow(), meter = Object.assign(make("meter"), { value: probability });
      meter.title = meter.ariaLabel = name;
      row.append(make("td", name), make("td", (100 * probability).toFixed(2) + " %"), make("td"));
      row.lastChild.append(meter);
    }
    return table;
  }

  async function classify(files) {
    for (const file of [...files].filter(({ type }) => type === "" || type.startsWith("image/"))) {
      const fill = show(file);
      try {
        const answer = await fetch("predict", { method: "POST", body: file }), { images, error } = await answer.json();
        const [image] = images ?? [{ error }];
        fill(image.error === undefined ? tableOf(image.predictions) : make("span", image.error));
      } catch {
        fill(make("span", "The server does not answer."));
      }
    }
  }

  byId("files").onchange = ({ target }) => classify(target.files).then(() => target.value = "");
  addEventListener("paste", ({ clipboardData }) => classify(clipboardData.files));
  const drop = byId("drop");
  for (const type of ["dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop") classify(event.dataTransfer.files);
    });
  }
</script>
</html>
`;
