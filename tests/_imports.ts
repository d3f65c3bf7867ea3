/** The imports of the sources, as text. */

/** The layers, lowest first: imports point down this list only, through each folder's `mod.ts`. */
export const LAYERS = [
  ...["core", "kernels", "ops", "blocks", "models", "data", "weights", "inference", "train"],
  ...["files", "disk", "images", "onnx", "plots", "cli"],
];

const root = new URL("..", import.meta.url);

/** An import or a re-export. */
export interface Import {
  /** What is imported: a path from the root, or the name of a package. */
  readonly target: string;
  /** Whether it is gone when types are. */
  readonly typeOnly: boolean;
}

/** The imports of every source of a folder that is no test, by its path. */
export async function importsOf(folder: string): Promise<Map<string, Import[]>> {
  const found = new Map<string, Import[]>();
  for await (const path of sources(folder)) {
    found.set(path, importsIn(path, await Deno.readTextFile(new URL(path, root))));
  }
  return found;
}

/** The files of a new project: programs of users, which are texts here. */
const PROJECT = "cli/new/project";

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "assembly" && path !== PROJECT) yield* sources(path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) yield path;
  }
}

const STATEMENT = /^(?:import|export)\b(?<what>[^;"']*?)\bfrom\s*"(?<specifier>[^"]+)"(?! with \{ type: "text")/gm;

function importsIn(path: string, text: string): Import[] {
  return [...text.matchAll(STATEMENT)].map(({ groups }) => {
    const { what, specifier } = groups!, names = /\{([^}]*)\}/.exec(what)?.[1].split(",").filter((name) => name.trim());
    const typeOnly = /^\s*type\b/.test(what) || (names?.every((name) => /^\s*type\s/.test(name)) ?? false);
    if (!specifier.startsWith(".")) return { target: specifier, typeOnly };
    return { target: new URL(specifier, new URL(path, "file:///")).pathname.slice(1), typeOnly };
  });
}

/** Files that import each other in a circle, types aside: each circle once, as the files on the way round. */
export function circlesIn(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const circles: string[] = [], done = new Set<string>(), way: string[] = [];
  const visit = (path: string) => {
    const start = way.indexOf(path);
    if (start >= 0) {
      circles.push([...way.slice(start), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    way.push(path);
    for (const { target, typeOnly } of imports.get(path) ?? []) if (!typeOnly) visit(target);
    way.pop();
    done.add(path);
  };
  for (const path of imports.keys()) visit(path);
  return circles;
}
