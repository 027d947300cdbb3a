// Where authentication is on: asks for a token, and forgets it.

import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { useId } from "preact/hooks";
import { setToken, token } from "../api/token";
import { announce } from "../shell/announce";
import { call } from "./call";
import { isSameList, retryCall } from "./start";
import { callWords } from "./words";

interface Props {
  /** Whether the token that was given is not accepted. */
  readonly isRefused: boolean;
  readonly onToken?: () => void;
}

/**
 * Asks for a token, which is then remembered for the tab. `onToken` is what to do with it, which is to make the failed call
 * again unless told otherwise.
 */
export function TokenForm({ isRefused, onToken = callAgain }: Props) {
  const text = callWords();
  const isBad = useSignal(false);
  const id = useId();
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const field = event.currentTarget.elements.namedItem("token") as HTMLInputElement;
    const given = field.value.trim().replace(/^Bearer\s+/i, "");
    // A header takes no more than visible ASCII.
    isBad.value = !/^[\x21-\x7e]+$/.test(given);
    if (isBad.value) {
      field.focus();
      return;
    }
    setToken(given);
    onToken();
  };
  return (
    <form class="call-token" onSubmit={submit}>
      {isRefused ? <p class="call-aside">{text.refused}</p> : null}
      <label for={id}>{text.token}</label>
      <input
        id={id}
        name="token"
        type="password"
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${id}-hint`}
        {...(isBad.value ? { "aria-invalid": true } : {})}
        data-testid="token"
      />
      <p id={`${id}-hint`} class="hint" role={isBad.value ? "alert" : undefined}>
        {isBad.value ? text.badToken : text.tokenHint}
      </p>
      <p class="call-ways">
        <button type="submit" class="primary" data-testid="use-token">
          {text.useToken}
        </button>
      </p>
    </form>
  );
}

function callAgain(): void {
  if (isSameList.peek()) {
    retryCall();
  } else {
    call.value = { state: "idle" };
  }
}

/** Says that a token is remembered, and forgets it. Nothing where none is. */
export function TokenNote() {
  const text = callWords();
  if (token.value === undefined) {
    return null;
  }
  const forget = () => {
    setToken(undefined);
    announce(text.forgotten);
  };
  return (
    <p class="call-token-note">
      {text.remembered}{" "}
      <button type="button" class="quiet" data-testid="forget-token" onClick={forget}>
        {text.forget}
      </button>
    </p>
  );
}
