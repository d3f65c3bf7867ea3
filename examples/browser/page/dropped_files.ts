/** The files of a drop or of a chosen folder, and the class that their folder names. */

/** A file, and the folder it lies in; no folder for one that was dropped by itself. */
export interface FoundFile {
  readonly file: File;
  readonly folder?: string;
}

/** Files that a person does not see and does not mean. */
const isHidden = (name: string) => name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini";

/** The files of a drop, those of its folders at any depth too. */
export async function droppedFiles(data: DataTransfer): Promise<FoundFile[]> {
  // The entries are gone once the event is over, so that all are taken first.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...data.files].map((file) => ({ file }));
  return (await Promise.all(entries.map((entry) => visit(entry)))).flat();
}

async function visit(entry: FileSystemEntry, folder?: string): Promise<FoundFile[]> {
  if (isHidden(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, folder }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader(), found: FoundFile[] = [];
  // A reader gives at most a hundred entries at a time.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) found.push(...await visit(one, entry.name));
  }
}

/** The files of an input; those of a folder have it in their path. */
export function chosenFiles(input: HTMLInputElement): FoundFile[] {
  return [...input.files ?? []].filter(({ name }) => !isHidden(name))
    .map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) }));
}

/** Lets files be dropped on an element, which shows that it takes them. */
export function takeDrops(element: HTMLElement, take: (files: FoundFile[]) => void): void {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget as Node | null)) element.classList.remove("over");
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.classList.remove("over");
    if (event.dataTransfer !== null) droppedFiles(event.dataTransfer).then(take);
  });
}
