// What a browser has and Node has not, as far as the history looks at it. To be imported before it.

class MemoryStorage {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

Object.assign(globalThis, { localStorage: new MemoryStorage(), sessionStorage: new MemoryStorage() });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] }, configurable: true });

// What an earlier load of the page left: a call under way, a late one, and something that is none.
sessionStorage.setItem(
  "compute.own",
  JSON.stringify([
    { key: "b", startedAt: 2_000, count: 5, state: "computing" },
    { key: "a", operationId: "id-a", startedAt: 1_000, count: 4, state: "late" },
    { key: "x", startedAt: "yesterday", count: 4, state: "late" },
    null,
  ]),
);
