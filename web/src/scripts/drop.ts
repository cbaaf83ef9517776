/** The whole view takes a dropped file, so that nobody has to aim; `target` tells on what it fell. Returns how to stop. */
export function takeDrops(view: HTMLElement, onFile: (file: File, target: Element | null) => void): () => void {
  const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  let under: Element | null = null;
  const mark = (card: Element | null) => {
    if (under === card) return;
    under?.classList.remove("drop-here");
    card?.classList.add("drop-here");
    under = card;
  };
  const cardOf = ({ target }: DragEvent) => (target instanceof Element ? target.closest("[data-script]") : null);
  const end = () => {
    view.classList.remove("dropping");
    mark(null);
  };
  const over = (event: DragEvent) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    view.classList.add("dropping");
    mark(cardOf(event));
  };
  const leave = (event: DragEvent) => {
    // Leaving for a child is not leaving.
    if (event.relatedTarget === null) end();
  };
  const drop = (event: DragEvent) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    end();
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file, event.target instanceof Element ? event.target : null);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", leave);
  document.addEventListener("drop", drop);
  return () => {
    end();
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", leave);
    document.removeEventListener("drop", drop);
  };
}
