// Makes an old tree equal to a freshly built one with the fewest changes, so that polling each second
// keeps focus, text selection, scroll places and opened details.

export function morph(root: Element, ...next: Node[]): void {
  morphChildren(root, next);
}

function morphChildren(parent: Element, next: Node[]): void {
  next.forEach((fresh, index) => {
    const old = parent.childNodes[index];
    const match = old && sameKind(old, fresh) ? old : keyed(parent, fresh, index);
    if (!match) {
      // A place taken by another key is moved down, not destroyed: its own turn may come.
      if (old && !key(old)) old.replaceWith(fresh);
      else parent.insertBefore(fresh, old ?? null);
      return;
    }
    if (match !== old) parent.insertBefore(match, old ?? null);
    morphNode(match, fresh);
  });
  while (parent.childNodes.length > next.length) parent.lastChild?.remove();
}

function morphNode(old: Node, fresh: Node): void {
  if (!(old instanceof Element) || !(fresh instanceof Element)) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name, value } of Array.from(fresh.attributes)) {
    if (old.getAttribute(name) === value) continue;
    if (name === "style") (old as unknown as ElementCSSInlineStyle).style.cssText = value;
    else old.setAttribute(name, value);
  }
  for (const { name } of Array.from(old.attributes)) {
    // Whether details are open is the reader's choice.
    if (!fresh.hasAttribute(name) && !(name === "open" && old instanceof HTMLDetailsElement)) old.removeAttribute(name);
  }
  morphChildren(old, Array.from(fresh.childNodes));
}

function key(node: Node): string | null {
  return node instanceof Element ? node.getAttribute("data-key") : null;
}

function sameKind(old: Node, fresh: Node): boolean {
  return old.nodeName === fresh.nodeName && key(old) === key(fresh);
}

function keyed(parent: Element, fresh: Node, from: number): ChildNode | undefined {
  if (!key(fresh)) return undefined;
  return Array.from(parent.childNodes).slice(from).find((old) => sameKind(old, fresh));
}
