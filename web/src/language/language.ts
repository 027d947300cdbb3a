// The language of the page: the browser's if we have it, or the one that was chosen here.

import { computed, signal } from "@preact/signals";

export type Language = "en" | "fr";

/** All languages, by their own names. */
export const LANGUAGES: Readonly<Record<Language, string>> = { en: "English", fr: "Français" };

const KEY = "compute.language";

/** The language in which the page speaks. */
export const language = signal<Language>(initial());

/**
 * The form of numbers and dates: the browser's own within the page's language (`fr-CH`), else the language's. So numbers and
 * the texts around them always agree, also for a browser whose language is none of ours.
 */
export const locale = computed(
  () => navigator.languages.find((tag) => baseOf(tag) === language.value) ?? language.value,
);

/** Chooses a language, and remembers it in this browser. */
export function choose(chosen: Language): void {
  language.value = chosen;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A browser that keeps nothing for this page: then it is chosen for now.
  }
}

/**
 * The texts of one part of the page, in all languages, each of the same shape. The function returned gives those of the
 * page's language; a component that calls it is drawn again when the language changes.
 */
export function words<T>(texts: { readonly en: T; readonly fr: NoInfer<T> }): () => T {
  return () => texts[language.value];
}

function initial(): Language {
  const known = [chosenBefore(), ...navigator.languages].map(baseOf);
  return known.find((base): base is Language => Object.hasOwn(LANGUAGES, base)) ?? "en";
}

function chosenBefore(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function baseOf(tag: string): string {
  return tag.toLowerCase().split("-")[0] ?? "";
}
