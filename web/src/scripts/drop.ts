/** The whole view takes a dropped file, so that nobody has to aim. Returns how to stop. */
export function takeDrops(target: HTMLElement, onFile: (file: File) => void): () => void {
  const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const over = (event: DragEvent) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    target.classList.add("dropping");
  };
  const leave = (event: DragEvent) => {
    // Leaving for a child is not leaving.
    if (event.relatedTarget === null) target.classList.remove("dropping");
  };
  const drop = (event: DragEvent) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    target.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", leave);
  document.addEventListener("drop", drop);
  return () => {
    target.classList.remove("dropping");
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", leave);
    document.removeEventListener("drop", drop);
  };
}
