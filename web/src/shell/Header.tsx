// The head of the page: its name, the way to its views, its language.

import { href, route } from "../route";
import { LanguageSwitch } from "./LanguageSwitch";
import { Mark } from "./Mark";
import { NAME } from "./title";
import { shellWords } from "./words";

export function Header() {
  const text = shellWords();
  return (
    <header class="top">
      <div class="brand">
        <h1>
          <a href={href({ view: "compute" })}>
            <Mark />
            {NAME}
          </a>
        </h1>
        <p class="tagline">{text.tagline}</p>
      </div>
      <nav aria-label={text.views}>
        <ViewLink view="compute" text={text.compute} />
        <ViewLink view="history" text={text.history} />
      </nav>
      <LanguageSwitch />
    </header>
  );
}

function ViewLink({ view, text }: { readonly view: "compute" | "history"; readonly text: string }) {
  return (
    <a href={href({ view })} aria-current={current(view)}>
      {text}
    </a>
  );
}

/** An operation is a part of the history. */
function current(view: "compute" | "history"): "page" | "true" | undefined {
  const shown = route.value.view;
  if (shown === view) {
    return "page";
  }
  return view === "history" && shown === "operation" ? "true" : undefined;
}
