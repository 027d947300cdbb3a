// The frame of the page: the view that the address names, and what is around it.

import { Answer } from "../call/Answer";
import { call } from "../call/call";
import { History } from "../history/History";
import { OperationView } from "../history/OperationView";
import { InputForm } from "../input/InputForm";
import { choose, language, LANGUAGES, type Language } from "../language/language";
import { href, route } from "../route";
import { announcement } from "./announce";
import { shellWords } from "./words";

export function App() {
  const text = shellWords();
  return (
    <>
      <header class="top">
        <h1>{text.title}</h1>
        <nav aria-label={text.views}>
          <a href={href({ view: "compute" })}>{text.compute}</a>
          <a href={href({ view: "history" })}>{text.history}</a>
        </nav>
        <LanguageSwitch />
      </header>
      <main id="main" data-view={route.value.view} data-state={call.value.state}>
        <View />
      </main>
      <p id="status" class="visually-hidden" role="status">
        {announcement}
      </p>
    </>
  );
}

function View() {
  const shown = route.value;
  switch (shown.view) {
    case "compute":
      return (
        <>
          <InputForm />
          <div class="answer">
            <Answer />
          </div>
        </>
      );
    case "history":
      return <History />;
    case "operation":
      return <OperationView id={shown.id} />;
    case "unknown":
      return <p class="card notice">{shellWords().unknown}</p>;
  }
}

function LanguageSwitch() {
  return (
    <select
      id="language"
      aria-label={shellWords().language}
      value={language}
      onChange={(event) => choose(event.currentTarget.value as Language)}
    >
      {Object.entries(LANGUAGES).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  );
}
