// The answer's side: what became of the call.

export function Answer() {
  return <section class="card placeholder" />;
}
