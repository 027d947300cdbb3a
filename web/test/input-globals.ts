// What a browser has and Node has not, as far as the form's texts look at it. To be imported before them.

Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US", "fr-FR"] }, configurable: true });

export {};
