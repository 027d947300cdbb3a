// The pieces of the list that are not integers: the first one in its line, the others below.

import { visible } from "../plain";
import type { Problem, Reading } from "../reading/messages";
import { inputWords } from "./words";

interface Props {
  readonly bad: Reading & { readonly kind: "bad" };
  /** Shows a piece where it stands. Undefined where nothing can be shown: the list is in a file. */
  readonly show: ((problem: Problem) => void) | undefined;
}

export function Problems({ bad: { problems, more }, show }: Props) {
  const text = inputWords();
  const [first, ...others] = problems;
  return (
    <div id="problems" class="problems">
      {first !== undefined && (
        <div class="problem-line">
          <Excerpt problem={first} />
          {show !== undefined && <Show problem={first} show={show} />}
        </div>
      )}
      {others.length + more > 0 && (
        <>
          <p class="hint">{text.otherProblems}</p>
          <ul class="problem-list">
            {others.map((problem) => (
              <li key={problem.offset}>
                <span>{text.problem(visible(problem.token), problem)}.</span>
                {show !== undefined && <Show problem={problem} show={show} />}
              </li>
            ))}
            {more > 0 && <li>{text.more(more)}</li>}
          </ul>
        </>
      )}
    </div>
  );
}

function Excerpt({ problem: { line, excerpt } }: { readonly problem: Problem }) {
  const before = excerpt.text.slice(0, excerpt.start);
  const piece = excerpt.text.slice(excerpt.start, excerpt.end);
  return (
    <p class="excerpt">
      <span class="excerpt-line">{inputWords().line(line)}</span>
      <code>
        {before}
        <mark>{visible(piece, piece.length)}</mark>
        {excerpt.text.slice(excerpt.end)}
      </code>
    </p>
  );
}

function Show({ problem, show }: { readonly problem: Problem; readonly show: (problem: Problem) => void }) {
  const text = inputWords();
  return (
    <button
      type="button"
      class="quiet"
      aria-label={text.showPlace(problem.line, problem.column)}
      onClick={() => show(problem)}
    >
      {text.show}
    </button>
  );
}
