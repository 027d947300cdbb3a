// Chooses the language: each by its own name, so that those who cannot read the page find theirs.

import { choose, language, LANGUAGES, type Language } from "../language/language";
import { shellWords } from "./words";

export function LanguageSwitch() {
  return (
    <div id="language" class="languages" role="group" aria-label={shellWords().language}>
      {(Object.keys(LANGUAGES) as Language[]).map((code) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={language.value === code}
          onClick={() => choose(code)}
        >
          {LANGUAGES[code]}
        </button>
      ))}
    </div>
  );
}
