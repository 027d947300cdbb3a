// Copies the text of an element.

/** Copies the text; where the browser does not allow it (a page over plain HTTP), selects it and returns false. */
export async function copyText(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch {
    // `navigator.clipboard` is missing outside secure contexts, and may be refused by the user inside them.
    window.getSelection()?.selectAllChildren(element);
    return false;
  }
}
