// Shows what went wrong: before a call, in what was typed; after it, in the answer.

import { byId, html } from "./dom";
import type { Explanation } from "./errors";
import { describeProblem, type Problem } from "./parse";

/** Shows pieces of the list that are not integers; a click on one selects it in the text field. */
export function showProblems(problems: readonly Problem[], more: number): void {
  const items = problems.map((problem) => {
    const button = html("button", { type: "button", class: "find" }, "Show");
    button.setAttribute("aria-label", `Show line ${problem.line}, column ${problem.column}`);
    button.addEventListener("click", () => select(problem));
    return html("li", {}, html("span", {}, `${describeProblem(problem)}.`), button);
  });
  if (more > 0) {
    items.push(html("li", {}, `And ${more.toLocaleString("en-US")} more.`));
  }
  show(html("h2", {}, "The list cannot be read"), html("ul", {}, ...items));
}

/** Shows a sentence about the input. */
export function showInputError(title: string, sentence: string): void {
  show(html("h2", {}, title), html("p", {}, sentence));
}

/** Shows the error of a call. */
export function showExplanation(explanation: Explanation): void {
  const { title, sentence, violations, message, code, operationId } = explanation;
  const parts: HTMLElement[] = [html("h2", {}, title), html("p", {}, sentence)];
  if (violations.length > 0) {
    const items = violations.map(({ field, description }) =>
      html("li", {}, html("span", {}, html("code", {}, field), ` ${description}`)),
    );
    parts.push(html("ul", { "data-testid": "violations" }, ...items));
  }
  const facts = html("dl", { class: "facts" });
  const fact = (term: string, description: string | undefined, attributes: Record<string, string> = {}) => {
    if (description !== undefined) {
      facts.append(html("div", {}, html("dt", {}, term), html("dd", attributes, description)));
    }
  };
  // The violations say the same, and all of it.
  if (violations.length === 0) {
    fact("Message", message, { class: "sentence" });
  }
  fact("Code", code, { "data-testid": "error-code" });
  fact("Operation", operationId, { "data-testid": "error-operation-id" });
  if (facts.childElementCount > 0) {
    parts.push(facts);
  }
  show(...parts);
}

function show(...parts: HTMLElement[]): void {
  byId("error", HTMLElement).replaceChildren(...parts);
}

function select({ offset, token }: Problem): void {
  const field = byId("values", HTMLTextAreaElement);
  field.focus();
  field.setSelectionRange(offset, offset + token.length);
}
