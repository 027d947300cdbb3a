// What a browser has and Node has not, as far as the page's modules look at it. To be imported before them.

class MemoryStorage {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

Object.assign(globalThis, {
  localStorage: new MemoryStorage(),
  sessionStorage: new MemoryStorage(),
  window: { location: { search: "" } },
});
Object.defineProperty(globalThis, "navigator", {
  value: { languages: ["en-US", "fr-FR"], onLine: true },
  configurable: true,
});

export {};
