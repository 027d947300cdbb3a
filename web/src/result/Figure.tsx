// One number with its name.

import type { ComponentChildren } from "preact";
import { CopyButton } from "./CopyButton";
import { resultWords } from "./words";

/** What there is to a figure. */
export interface FigureProps {
  readonly name: ComponentChildren;
  /** The name where only a text can stand. */
  readonly plainName: string;
  /** The number as programs read it, which is what is copied. */
  readonly raw: string;
  /** The number as people read it. */
  readonly shown: string;
  /** What tests and style sheets know it by. */
  readonly data: Readonly<Record<`data-${string}`, string>>;
}

/** A number in a list of them (`<dl>`), with a button that copies it. */
export function Figure({ name, plainName, raw, shown, data }: FigureProps) {
  return (
    <div class={`figure ${sizeOf(shown)}`}>
      <dt>{name}</dt>
      <dd {...data}>
        <data value={raw}>
          <Breakable text={shown} />
        </data>
        <CopyButton text={() => raw} what={resultWords().copyNamed(plainName)} />
      </dd>
    </div>
  );
}

/** Whether a number is too long to stand in a narrow column. */
export function isLong(shown: string): boolean {
  return shown.length > 11;
}

/** A number that is broken between its groups of digits, if it has to be. */
export function Breakable({ text }: { readonly text: string }) {
  const groups = text.split(/(?<=[^\d\u2212-])(?=\d{3}(?!\d))/u);
  return <>{groups.flatMap((group, i) => (i === 0 ? [group] : [<wbr key={i} />, group]))}</>;
}

// A longer number is set smaller. The style sheet knows how much room each of these takes.
function sizeOf(shown: string): string {
  if (isLong(shown)) {
    return shown.length <= 22 ? "long" : "longest";
  }
  return shown.length <= 8 ? "short" : "medium";
}
