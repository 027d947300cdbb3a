// What a browser has and Node has not, as far as the page's texts look at it. To be imported before them.

Object.assign(globalThis, { localStorage: { getItem: () => null, setItem: () => {} } });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"], onLine: true }, configurable: true });

export {};
