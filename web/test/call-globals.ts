// What a browser has and Node has not, as far as the tests of calls meet it. To be imported before the page's modules.

const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
Object.assign(globalThis, {
  localStorage: storage,
  sessionStorage: storage,
  window: { location: { search: "" } },
});
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"], onLine: true }, configurable: true });

export {};
