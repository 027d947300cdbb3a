// The frame of the page: the view that the address names, and what is around it.

import { useEffect, useRef } from "preact/hooks";
import { Answer } from "../call/Answer";
import { call } from "../call/call";
import { History } from "../history/History";
import { OperationView } from "../history/OperationView";
import { InputForm } from "../input/InputForm";
import { href, route } from "../route";
import { announcement } from "./announce";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { shellWords } from "./words";

export function App() {
  const main = useRef<HTMLElement>(null);
  useFocusOnViewChange(main);
  const skip = (event: Event) => {
    // The address names the view: what is behind its # must stay.
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {shellWords().skip}
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1} data-view={route.value.view} data-state={call.value.state}>
        <View />
      </main>
      <Footer />
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
          <div class="asking">
            <InputForm />
          </div>
          <div class="answer">
            <Answer />
          </div>
        </>
      );
    case "history":
      return <History />;
    case "operation":
      return <OperationView key={shown.id} id={shown.id} />;
    case "unknown":
      return <Unknown />;
  }
}

function Unknown() {
  const text = shellWords();
  return (
    <section class="card notice">
      <h2>{text.unknown}</h2>
      <p>
        <a href={href({ view: "compute" })}>{text.back}</a>
      </p>
    </section>
  );
}

/** Has the keyboard and screen readers start at the new view, unless it has put the focus somewhere itself. */
function useFocusOnViewChange(main: { readonly current: HTMLElement | null }): void {
  const shown = route.value;
  const place = shown.view === "operation" ? shown.id : shown.view;
  const before = useRef(place);
  useEffect(() => {
    if (before.current !== place && !main.current?.contains(document.activeElement)) {
      main.current?.focus({ preventScroll: true });
    }
    before.current = place;
  }, [place]);
}
