// Makes a list of random integers: how many, and from where to where.

import { signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { integer } from "../language/format";
import { Field } from "./Field";
import { attach } from "./source";
import { readWhole, type Whole } from "./whole";
import { inputWords } from "./words";

const PRESETS = [100, 10_000, 1_000_000];

// Outside of the component: the panel comes back as it was left.
const howMany = signal("10000");
const from = signal("1");
const to = signal("1000");

export function RandomList({ close }: { readonly close: () => void }) {
  const text = inputWords();
  const wasTried = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => first.current?.focus(), []);

  const count = readWhole(howMany.value);
  const min = readWhole(from.value);
  const max = readWhole(to.value);
  const isCount = count.ok && count.value >= 1n;
  const isOrdered = !min.ok || !max.ok || min.value <= max.value;

  const faultOf = (read: Whole) => (read.ok || !wasTried.value ? undefined : text[read.reason]);
  const make = () => {
    wasTried.value = true;
    if (isCount && min.ok && max.ok && isOrdered) {
      attach({ kind: "random", count: Number(count.value), min: min.value, max: max.value });
      close();
      document.getElementById("random")?.focus();
    }
  };
  return (
    <fieldset
      id="random-panel"
      class="random"
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.target instanceof HTMLInputElement && !event.ctrlKey && !event.metaKey) {
          // Not the form's button.
          event.preventDefault();
          make();
        } else if (event.key === "Escape") {
          close();
          document.getElementById("random")?.focus();
        }
      }}
    >
      <legend>{text.randomTitle}</legend>
      <div class="presets">
        {PRESETS.map((preset) => (
          <button
            key={preset}
            type="button"
            class="preset"
            aria-pressed={count.ok && count.value === BigInt(preset)}
            onClick={() => (howMany.value = String(preset))}
          >
            {integer(preset)}
          </button>
        ))}
      </div>
      <div class="random-fields">
        <Field
          id="random-count"
          label={text.howMany}
          inputMode="numeric"
          value={howMany}
          field={first}
          fault={isCount || !wasTried.value ? undefined : text.notCount}
        />
        <Field
          id="random-from"
          label={text.from}
          inputMode="text"
          value={from}
          fault={faultOf(min) ?? (isOrdered || !wasTried.value ? undefined : text.wrongOrder)}
        />
        <Field id="random-to" label={text.to} inputMode="text" value={to} fault={faultOf(max)} />
      </div>
      <button type="button" id="random-make" class="secondary small" onClick={make}>
        {text.make}
      </button>
    </fieldset>
  );
}
