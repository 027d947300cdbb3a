// A result, whole.

import type { Outcome } from "./outcome";

export function Result({ outcome }: { readonly outcome: Outcome }) {
  return <section id="result" class="card" data-operation={outcome.operationId} />;
}
