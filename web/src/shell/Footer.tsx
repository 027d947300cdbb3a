// The foot of the page: what this is, and how programs use it.

import { shellWords } from "./words";

export function Footer() {
  const text = shellWords();
  return (
    <footer class="foot">
      <p>
        {text.about} {text.api(window.location.origin)}
      </p>
      <p>
        <a href="/licenses.txt">{text.licences}</a>
      </p>
    </footer>
  );
}
